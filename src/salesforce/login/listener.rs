//! Catches the browser's redirect on this machine: one small HTTP server, for one answer.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use url::{Host, Url};

use crate::destination::{DestinationError, ErrorKind};
use crate::salesforce::errors::ours;

/// How long a browser may take to send its request.
const PATIENCE: Duration = Duration::from_secs(10);
/// The longest request that is read, in bytes.
const LONGEST: usize = 16 * 1024;

/// Where to listen for this redirect address; `None` when it is not on this machine.
pub(super) fn address(redirect: &Url) -> Option<SocketAddr> {
    let host = match redirect.host()? {
        Host::Domain("localhost") => IpAddr::V4(Ipv4Addr::LOCALHOST),
        Host::Ipv4(address) if address.is_loopback() => IpAddr::V4(address),
        Host::Ipv6(address) if address.is_loopback() => IpAddr::V6(address),
        _ => return None,
    };
    (redirect.scheme() == "http").then_some(SocketAddr::new(host, redirect.port_or_known_default()?))
}

/// Waits until `read` finds something in the address of a request, or a refusal that ends the
/// sign-in. Anything else (another page, another sign-in) is answered and forgotten.
pub(super) async fn wait<T>(
    redirect: &Url,
    read: impl Fn(&str) -> Result<T, DestinationError>,
) -> Result<T, DestinationError> {
    let cannot = |what: String| ours(ErrorKind::Configuration, "CANNOT_LISTEN", what, "Paste the address instead.");
    let Some(place) = address(redirect) else {
        return Err(cannot("redirect_uri is not an http address on this machine.".to_owned()));
    };
    let listener =
        TcpListener::bind(place).await.map_err(|error| cannot(format!("Cannot listen on {place}: {error}.")))?;
    loop {
        let Ok((mut stream, _)) = listener.accept().await else { continue };
        let Ok(Some(target)) = tokio::time::timeout(PATIENCE, target(&mut stream)).await else { continue };
        let Ok(asked) = redirect.join(&target) else { continue };
        if asked.path() != redirect.path() || asked.origin() != redirect.origin() {
            say(&mut stream, "404 Not Found", "Nothing is here.").await;
            continue;
        }
        match read(asked.as_str()) {
            Ok(found) => {
                say(&mut stream, "200 OK", "You are signed in. Close this window and go back to the terminal.").await;
                return Ok(found);
            }
            Err(error) if error.kind == ErrorKind::Configuration => {
                say(&mut stream, "400 Bad Request", "This answer belongs to no sign-in that is going on.").await;
            }
            Err(error) => {
                say(&mut stream, "200 OK", "Salesforce refused the sign-in. The terminal says why.").await;
                return Err(error);
            }
        }
    }
}

/// The address that a GET asks for.
async fn target(stream: &mut TcpStream) -> Option<String> {
    let mut request = Vec::new();
    while !request.windows(4).any(|bytes| bytes == b"\r\n\r\n") {
        let mut piece = [0; 2048];
        let read = stream.read(&mut piece).await.ok()?;
        if read == 0 || request.len() + read > LONGEST {
            return None;
        }
        request.extend_from_slice(&piece[..read]);
    }
    let text = String::from_utf8(request).ok()?;
    let mut words = text.lines().next()?.split(' ');
    // Only a path: an address with a host of its own would be taken for ours.
    (words.next()? == "GET").then(|| words.next()).flatten().filter(|target| target.starts_with('/')).map(str::to_owned)
}

async fn say(stream: &mut TcpStream, status: &str, words: &str) {
    let page = format!("<!doctype html><meta charset=\"utf-8\"><title>gondola</title><p>{words}</p>\n");
    let text = format!(
        "HTTP/1.1 {status}\r\nContent-Type: text/html; charset=utf-8\r\nContent-Length: {}\r\n\
         Cache-Control: no-store\r\nReferrer-Policy: no-referrer\r\nConnection: close\r\n\r\n{page}",
        page.len()
    );
    // A browser that went away has its answer all the same: the terminal speaks.
    let _ = stream.write_all(text.as_bytes()).await;
    let _ = stream.shutdown().await;
}
