//! `gondola login NAME`

use std::io::{BufRead as _, IsTerminal as _};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;
use tokio::sync::mpsc;

use super::report;
use crate::destination::{ErrorKind, OrgInfo};
use crate::engine::{Engine, EngineError, ErrorClass, Login, LoginCode, WebLogin};

/// How long a person may take.
const PATIENCE: Duration = Duration::from_secs(15 * 60);

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// A Salesforce connection's name.
    name: String,
    /// End the kept sign-in, here and at the org.
    #[arg(long)]
    forget: bool,
    /// One JSON object at the end.
    #[arg(long)]
    json: bool,
}

pub(super) async fn run(arguments: &Arguments, engine: &Engine) -> Result<u8, EngineError> {
    let name = &arguments.name;
    if arguments.forget {
        return forget(name, engine).await;
    }
    let org = match engine.begin_login(name).await? {
        Login::Unattended => {
            note!("[salesforce.{name}] signs in by itself; nothing is kept for it.");
            engine.who_is(name).await?
        }
        Login::Device(login) => {
            note!("Open this address on any computer, sign in, and type the code:\n");
            note!("  {}", login.verification_url());
            note!("  {}\n", login.user_code());
            note!("Waiting until that is done.");
            engine.keep_login(name, login.wait().await?).await?
        }
        Login::Web(login) => {
            let code = code(&login).await?;
            engine.keep_login(name, login.redeem(code).await?).await?
        }
    };
    tell(name, &org, arguments.json)
}

/// The code of a browser's sign-in: caught on this machine, or pasted, whichever comes first.
async fn code(login: &WebLogin) -> Result<LoginCode, EngineError> {
    note!("Open this address in a browser on any computer and sign in:\n\n{}\n", login.url());
    offer_to_clipboard(login.url());
    match login.port() {
        Some(port) => note!(
            "Then the browser goes to {}. If that port is forwarded here (ssh -L {port}:localhost:{port}), you are \
             done.\nIf not, the browser shows an error page: paste its whole address here and press Enter.",
            login.redirect_uri()
        ),
        None => note!("Then paste the whole address that the browser ends at here, and press Enter."),
    }
    let mut lines = typed_lines();
    let (mut listening, mut typing) = (login.port().is_some(), true);
    let (caught, end) = (login.caught(), tokio::time::sleep(PATIENCE));
    tokio::pin!(caught, end);
    while listening || typing {
        tokio::select! {
            caught = &mut caught, if listening => match caught {
                Err(error) if error.kind == ErrorKind::Configuration => {
                    listening = false;
                    note!("{} {}", error.message, error.hint.unwrap_or_default());
                }
                caught => return Ok(caught?),
            },
            line = lines.recv(), if typing => match line.as_deref().map(str::trim) {
                None => typing = false,
                Some("") => {}
                Some(line) => match login.code_in(line) {
                    Err(error) if error.kind == ErrorKind::Configuration => {
                        note!("{} {}", error.message, error.hint.unwrap_or_default());
                    }
                    code => return Ok(code?),
                },
            },
            () = &mut end => break,
        }
    }
    let mut error = EngineError::failed("nobody signed in").with_hint("Run `gondola login` again.");
    error.class = ErrorClass::Connection;
    Err(error)
}

/// Lines of stdin. Read by a thread of its own, which does not keep the program from ending.
fn typed_lines() -> mpsc::UnboundedReceiver<String> {
    let (sender, lines) = mpsc::unbounded_channel();
    std::thread::spawn(move || {
        for line in std::io::stdin().lock().lines() {
            if line.map_or(true, |line| sender.send(line).is_err()) {
                return;
            }
        }
    });
    lines
}

/// Puts a text into the clipboard of the terminal (OSC 52), which may be at the other end of SSH.
fn offer_to_clipboard(text: &str) {
    if std::io::stderr().is_terminal() {
        note!("\x1b]52;c;{}\x07It is in your clipboard too, if your terminal allows that.", STANDARD.encode(text));
    }
}

fn tell(name: &str, org: &OrgInfo, as_json: bool) -> Result<u8, EngineError> {
    if as_json {
        let body = json!({
            "connection": name, "org": org.id, "name": org.name, "sandbox": org.sandbox,
            "username": org.username, "instance_url": org.instance_url,
        });
        report::line(&body.to_string())?;
    } else {
        let kind = org.kind();
        let (org, user) = (report::shown(&org.name), report::shown(&org.username));
        report::line(&format!("{name}: signed in to {org} ({kind}) as {user}"))?;
    }
    Ok(0)
}

async fn forget(name: &str, engine: &Engine) -> Result<u8, EngineError> {
    match engine.forget_login(name).await? {
        (false, _) => note!("Nothing was kept for [salesforce.{name}]."),
        (true, None) => note!("The sign-in of [salesforce.{name}] is forgotten, and ended at the org."),
        (true, Some(error)) => note!(
            "The sign-in of [salesforce.{name}] is forgotten here. The org did not end it: {}",
            report::shown(&error.message)
        ),
    }
    Ok(0)
}
