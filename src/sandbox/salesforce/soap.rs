//! The SOAP login: the one call that some orgs still want.

use super::call::Answer;
use super::oauth::password_is_right;
use super::org::{ORG_ID, Org, PROFILE_ID, USER_ID};
use super::session::{PASSWORD, USERNAME};

/// What the service says about a wrong password.
const WRONG: &str = "Invalid username, password, security token; or user locked out.";
/// And what follows when only the security token is missing.
const FROM_ELSEWHERE: &str = " Are you at a new location? When accessing Salesforce--either via a desktop client or the API--from outside of \
     your company's trusted networks, you must add a security token to your password to log in. To get your new \
     security token, log in to Salesforce. From your personal settings, enter Reset My Security Token in the Quick \
     Find box, then select Reset My Security Token.";

/// `POST /services/Soap/u/65.0`.
pub fn login(org: &mut Org, version: &str, body: &str) -> Answer {
    let Some((username, password)) = inner(body, "username").zip(inner(body, "password")) else {
        let message = "No operation available for request, only login is served";
        return fault("INVALID_OPERATION", "UnexpectedErrorFault", message);
    };
    if username == USERNAME && password == PASSWORD && org.records.setup.security_token {
        return fault("LOGIN_MUST_USE_SECURITY_TOKEN", "LoginFault", &format!("{WRONG}{FROM_ELSEWHERE}"));
    }
    if username != USERNAME || !password_is_right(org, &password) {
        return fault("INVALID_LOGIN", "LoginFault", WRONG);
    }
    let session = org.sessions.open();
    let url = &org.instance_url;
    let short = &ORG_ID[..15];
    let mut info = String::new();
    for (name, value) in [
        ("accessibilityMode", "false"),
        ("chatterExternal", "false"),
        ("currencySymbol", "$"),
        ("orgAttachmentFileSizeLimit", "26214400"),
        ("orgDefaultCurrencyIsoCode", "USD"),
        ("orgDefaultCurrencyLocale", "en_US"),
        ("orgDisallowHtmlAttachments", "false"),
        ("orgHasPersonAccounts", "false"),
        ("organizationId", ORG_ID),
        ("organizationMultiCurrency", "false"),
        ("organizationName", "Gondola Demo"),
        ("profileId", PROFILE_ID),
        ("roleId", ""),
        ("sessionSecondsValid", "7200"),
        ("userDefaultCurrencyIsoCode", ""),
        ("userEmail", "demo@example.com"),
        ("userFullName", "Demo User"),
        ("userId", USER_ID),
        ("userLanguage", "en_US"),
        ("userLocale", "en_US"),
        ("userName", USERNAME),
        ("userTimeZone", "GMT"),
        ("userType", "Standard"),
        ("userUiSkin", "Theme3"),
    ] {
        if value.is_empty() {
            info += &format!("<{name} xsi:nil=\"true\"/>");
        } else {
            info += &format!("<{name}>{value}</{name}>");
        }
    }
    envelope(
        200,
        "xmlns=\"urn:partner.soap.sforce.com\"",
        &format!(
            "<loginResponse><result><metadataServerUrl>{url}/services/Soap/m/{version}/{short}</metadataServerUrl>\
             <passwordExpired>false</passwordExpired><sandbox>true</sandbox>\
             <serverUrl>{url}/services/Soap/u/{version}/{short}</serverUrl><sessionId>{session}</sessionId>\
             <userId>{USER_ID}</userId><userInfo>{info}</userInfo></result></loginResponse>"
        ),
    )
}

fn fault(code: &str, kind: &str, message: &str) -> Answer {
    let message = message.replace('&', "&amp;").replace('<', "&lt;");
    envelope(
        500,
        "xmlns:sf=\"urn:fault.partner.soap.sforce.com\"",
        &format!(
            "<soapenv:Fault><faultcode>sf:{code}</faultcode><faultstring>{code}: {message}</faultstring><detail>\
             <sf:{kind} xsi:type=\"sf:{kind}\"><sf:exceptionCode>{code}</sf:exceptionCode>\
             <sf:exceptionMessage>{message}</sf:exceptionMessage></sf:{kind}></detail></soapenv:Fault>"
        ),
    )
}

fn envelope(status: u16, names: &str, body: &str) -> Answer {
    let text = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?><soapenv:Envelope \
         xmlns:soapenv=\"http://schemas.xmlsoap.org/soap/envelope/\" {names} \
         xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\"><soapenv:Body>{body}</soapenv:Body></soapenv:Envelope>"
    );
    Answer { status, ..Answer::text("text/xml;charset=UTF-8", text) }
}

/// The text of the first element of that local name, whatever its prefix.
fn inner(xml: &str, name: &str) -> Option<String> {
    let mut from = 0;
    while let Some(at) = xml[from..].find(name) {
        let start = from + at;
        from = start + name.len();
        let opens = xml[..start].rfind('<').is_some_and(|open| {
            let prefix = &xml[open + 1..start];
            prefix.is_empty() || (prefix.ends_with(':') && !prefix.starts_with('/'))
        });
        if !opens {
            continue;
        }
        let rest = &xml[from..];
        let body = &rest[rest.find('>')? + 1..];
        return Some(unescape(&body[..body.find('<')?]));
    }
    None
}

fn unescape(text: &str) -> String {
    text.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"").replace("&apos;", "'").replace("&amp;", "&")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn elements_are_found_under_any_prefix() {
        let xml = "<e:Body><login xmlns=\"x\"><username>a&amp;b</username><n1:password x=\"1\">p&lt;w</n1:password></login></e:Body>";
        assert_eq!(inner(xml, "username").as_deref(), Some("a&b"));
        assert_eq!(inner(xml, "password").as_deref(), Some("p<w"));
        assert_eq!(inner(xml, "token"), None);
    }
}
