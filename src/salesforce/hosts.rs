//! Which hosts may be given a secret: an address is accepted as a whole host, never by how it begins.

use url::{Host, Url};

use super::errors::refused_here;
use crate::destination::DestinationError;

/// Salesforce's own domains; a login or an instance is always a name **below** one of them.
const DOMAINS: [&str; 7] = [
    "salesforce.com",
    "force.com",
    "salesforce.mil",
    "crmforce.mil",
    "cloudforce.com",
    "database.com",
    "sfcrmproducts.cn",
];

/// A checked base address: scheme, host and port, with nothing after them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Base {
    url: Url,
    loopback: bool,
}

impl Base {
    /// Checks `text`, which the user calls `name` (`login_url`, `instance_url`).
    ///
    /// Accepted: `https://` and a name below one of Salesforce's domains, on the usual port; and,
    /// for the sandbox, `http` or `https` on loopback with any port.
    pub(crate) fn parse(name: &str, text: &str) -> Result<Self, DestinationError> {
        let refuse = |reason: &str, hint: &str| {
            refused_here("INVALID_URL", format!("{name} {text:?} cannot be used: {reason}"), hint)
        };
        let text = text.trim();
        let example = "Write it like https://acme.my.salesforce.com.";
        let url = Url::parse(text).map_err(|error| refuse(&error.to_string(), example))?;
        let loopback = match url.host() {
            Some(Host::Domain(domain)) => domain == "localhost",
            Some(Host::Ipv4(address)) => address.is_loopback(),
            Some(Host::Ipv6(address)) => address.is_loopback(),
            None => return Err(refuse("it names no host", example)),
        };
        if !url.username().is_empty() || url.password().is_some() {
            return Err(refuse("it holds a user name", example));
        }
        if url.path() != "/" || url.query().is_some() || url.fragment().is_some() {
            return Err(refuse("something follows the host", "Leave out everything after the host."));
        }
        match (url.scheme(), loopback) {
            ("https", _) | ("http", true) => {}
            _ => return Err(refuse("secrets only travel over https", "Begin it with https://.")),
        }
        if !loopback {
            if url.port().is_some() {
                return Err(refuse("Salesforce answers on the usual port only", "Leave out the port."));
            }
            if !url.domain().is_some_and(is_salesforce) {
                return Err(refuse(
                    "this host is not Salesforce's",
                    "Use the My Domain address that Setup shows, such as https://acme.my.salesforce.com.",
                ));
            }
            // The pages of Lightning and of Setup have hosts of their own, which sign nobody in.
            if let Some(host) = url.domain().and_then(sign_in_host) {
                return Err(refuse("this is the address of its pages", &format!("Use https://{host}.")));
            }
        }
        Ok(Self { url, loopback })
    }

    /// Whether it is on this machine.
    pub(crate) fn is_loopback(&self) -> bool {
        self.loopback
    }

    /// Whether it needs no certificates: plain http, which only loopback may have.
    pub(crate) fn is_plain(&self) -> bool {
        self.url.scheme() == "http"
    }

    /// Whether it is one of the hosts that all orgs share, not an org's own.
    pub(crate) fn is_generic(&self) -> bool {
        matches!(self.url.domain(), Some("login.salesforce.com" | "test.salesforce.com"))
    }

    /// Who a JWT assertion sent here is for: production and sandboxes have one name each,
    /// whatever the org's own host; a stand-in on this machine has its address.
    pub(crate) fn audience(&self) -> String {
        if self.loopback {
            return self.as_str().to_owned();
        }
        let host = self.url.domain().unwrap_or_default();
        if is_sandbox(host) { "https://test.salesforce.com" } else { "https://login.salesforce.com" }.to_owned()
    }

    /// The address without a slash at the end.
    pub(crate) fn as_str(&self) -> &str {
        self.url.as_str().trim_end_matches('/')
    }
}

/// Whether `host` is a name below one of Salesforce's domains.
fn is_salesforce(host: &str) -> bool {
    DOMAINS.iter().any(|domain| {
        host.strip_suffix(domain).and_then(|rest| rest.strip_suffix('.')).is_some_and(|rest| !rest.is_empty())
    })
}

/// Whether a host is that of a sandbox or a scratch org: `acme--uat.sandbox.my.salesforce.com`,
/// `acme--uat.my.salesforce.com` and `cs42.salesforce.com` of older days.
fn is_sandbox(host: &str) -> bool {
    let labels: Vec<&str> = host.split('.').collect();
    let pod = |label: &&str| {
        label.strip_prefix("cs").is_some_and(|rest| !rest.is_empty() && rest.bytes().all(|byte| byte.is_ascii_digit()))
    };
    host == "test.salesforce.com"
        || labels.first().is_some_and(|first| first.contains("--"))
        || labels.iter().skip(1).any(|label| matches!(*label, "sandbox" | "scratch"))
        || labels.iter().take(2).any(pod)
}

/// The host that signs in where `host` shows pages: `acme.my.salesforce.com` for `acme.lightning.force.com`.
fn sign_in_host(host: &str) -> Option<String> {
    host.strip_suffix(".lightning.force.com").map(|org| format!("{org}.my.salesforce.com"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_assertion_is_for_production_or_for_sandboxes() {
        for (url, audience) in [
            ("https://login.salesforce.com", "https://login.salesforce.com"),
            ("https://acme.my.salesforce.com", "https://login.salesforce.com"),
            ("https://acme-dev-ed.develop.my.salesforce.com", "https://login.salesforce.com"),
            ("https://csacme.my.salesforce.com", "https://login.salesforce.com"),
            ("https://test.salesforce.com", "https://test.salesforce.com"),
            ("https://acme--uat.sandbox.my.salesforce.com", "https://test.salesforce.com"),
            ("https://acme--uat.my.salesforce.com", "https://test.salesforce.com"),
            ("https://acme--uat.cs42.my.salesforce.com", "https://test.salesforce.com"),
            ("https://inspiring-fox-1.scratch.my.salesforce.com", "https://test.salesforce.com"),
            ("https://cs42.salesforce.com", "https://test.salesforce.com"),
            ("http://127.0.0.1:4711/", "http://127.0.0.1:4711"),
        ] {
            assert_eq!(Base::parse("login_url", url).unwrap().audience(), audience, "{url}");
        }
    }

    #[test]
    fn the_address_of_a_page_leads_to_the_one_that_signs_in() {
        for (page, login) in [
            ("https://acme.lightning.force.com", "https://acme.my.salesforce.com."),
            ("https://acme--uat.sandbox.lightning.force.com", "https://acme--uat.sandbox.my.salesforce.com."),
        ] {
            assert!(Base::parse("login_url", page).unwrap_err().hint.unwrap().contains(login), "{page}");
        }
    }

    #[test]
    fn takes_salesforce_and_loopback() {
        for good in [
            "https://login.salesforce.com",
            "https://acme.my.salesforce.com/",
            "https://acme--uat.sandbox.my.salesforce.com",
            "https://ACME.my.Salesforce.com",
            "https://base.my.salesforce.mil",
            "https://acme.cloudforce.com",
            "http://127.0.0.1:4711",
            "http://localhost:4711/",
            "http://[::1]:4711",
            "  https://test.salesforce.com  ",
        ] {
            assert!(Base::parse("login_url", good).is_ok(), "{good}");
        }
        let base = Base::parse("login_url", "http://127.0.0.1:4711/").unwrap();
        assert_eq!(base.as_str(), "http://127.0.0.1:4711");
        assert!(base.is_loopback());
    }

    #[test]
    fn refuses_every_other_host() {
        for bad in [
            "https://acme.salesforce.com.evil.example/",
            "https://acme.my.salesforce.com.evil.example",
            "https://acme.my.salesforce.com%2eevil.example",
            "https://acme.my.salesforce.com\\@evil.example",
            "https://evil.example/.my.salesforce.com",
            "https://evilsalesforce.com",
            "https://salesforce.com",
            "https://acme.my.salesforce.com@evil.example",
            "https://user:secret@acme.my.salesforce.com",
            "https://acme.my.salesforce.com/services",
            "https://acme.my.salesforce.com?x=1",
            "https://acme.my.salesforce.com#x",
            "https://acme.my.salesforce.com:8443",
            "https://acme.my.salesforce.com.",
            "http://acme.my.salesforce.com",
            "http://localhost.evil.example",
            "http://10.0.0.1",
            "http://0.0.0.0:80",
            "https://acme.my.sаlesforce.com",
            "file:///etc/passwd",
            "acme.my.salesforce.com",
            "",
        ] {
            let error = Base::parse("login_url", bad).unwrap_err();
            assert!(error.message.starts_with("login_url"), "{bad}: {error}");
            assert!(error.hint.is_some());
        }
    }
}
