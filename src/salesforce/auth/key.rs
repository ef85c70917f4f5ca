//! Private keys out of PEM text: PKCS#8, encrypted PKCS#8, PKCS#1; RSA of 2048 to 4096 bits.

use jsonwebtoken::{Algorithm, EncodingKey};
use secrecy::{ExposeSecret, SecretString};

use crate::destination::DestinationError;
use crate::salesforce::errors::refused_here;

/// Reads the key and signs something with it, so that a wrong one is found before anything is sent.
pub(super) fn read(pem: &SecretString, passphrase: Option<&SecretString>) -> Result<EncodingKey, DestinationError> {
    let text = with_line_ends(pem.expose_secret());
    let (label, block) = private_block(&text)?;
    let key = match label {
        "ENCRYPTED PRIVATE KEY" => {
            let Some(passphrase) = passphrase else {
                return Err(unusable("is encrypted, and there is no passphrase", "Add passphrase = \"env:NAME\"."));
            };
            from_pem(decrypt(block, passphrase)?.expose_secret())
        }
        _ if block.contains("Proc-Type: 4,ENCRYPTED") => {
            return Err(unusable(
                "is encrypted in the old way of PKCS#1",
                "Convert it: openssl pkcs8 -topk8 -v2 aes256 -in old.pem -out new.p8",
            ));
        }
        _ => from_pem(block),
    }?;
    jsonwebtoken::crypto::sign(b"", &key, Algorithm::RS256).map_err(|error| no_rsa(&error))?;
    Ok(key)
}

fn unusable(what: &str, hint: &str) -> DestinationError {
    refused_here("INVALID_KEY", format!("private_key {what}."), hint)
}

fn no_rsa(error: &dyn std::fmt::Display) -> DestinationError {
    unusable(
        &format!("is not an RSA key of 2048 to 4096 bits ({error})"),
        "Make one: openssl req -x509 -newkey rsa:2048 -nodes -days 730 -keyout key.pem -out certificate.pem",
    )
}

fn from_pem(pem: &str) -> Result<EncodingKey, DestinationError> {
    EncodingKey::from_rsa_pem(pem.as_bytes()).map_err(|error| no_rsa(&error))
}

fn decrypt(pem: &str, passphrase: &SecretString) -> Result<SecretString, DestinationError> {
    let broken = |error: &dyn std::fmt::Display| {
        unusable(&format!("cannot be decrypted ({error})"), "Check passphrase; the key's encryption must be PBES2.")
    };
    let (_, document) = pkcs8::SecretDocument::from_pem(pem).map_err(|error| broken(&error))?;
    let encrypted = pkcs8::EncryptedPrivateKeyInfo::try_from(document.as_bytes()).map_err(|error| broken(&error))?;
    let plain = encrypted.decrypt(passphrase.expose_secret()).map_err(|error| broken(&error))?;
    let text = plain.to_pem("PRIVATE KEY", pkcs8::LineEnding::LF).map_err(|error| broken(&error))?;
    Ok(SecretString::from(text.as_str().to_owned()))
}

/// An environment variable often holds the key on one line, with `\n` for the line ends.
fn with_line_ends(text: &str) -> String {
    if text.contains('\n') { text.to_owned() } else { text.replace("\\n", "\n") }
}

/// The private key among the blocks of a PEM text, which may hold the certificate beside it.
fn private_block(text: &str) -> Result<(&str, &str), DestinationError> {
    const BEGIN: &str = "-----BEGIN ";
    let mut other = None;
    for (at, _) in text.match_indices(BEGIN) {
        let Some((label, _)) = text[at + BEGIN.len()..].split_once("-----") else { continue };
        let end = format!("-----END {label}-----");
        match label {
            "PRIVATE KEY" | "RSA PRIVATE KEY" | "ENCRYPTED PRIVATE KEY" => {
                let Some(length) = text[at..].find(&end) else {
                    return Err(unusable("ends before its last line", "Copy the whole file, the last line included."));
                };
                return Ok((label, &text[at..at + length + end.len()]));
            }
            _ => other = Some(label),
        }
    }
    Err(match other {
        Some("OPENSSH PRIVATE KEY") => unusable(
            "is in OpenSSH's own form",
            "Convert a copy of it: ssh-keygen -p -m PKCS8 -f copy-of-key (RSA keys only).",
        ),
        Some("EC PRIVATE KEY") => no_rsa(&"it is an elliptic-curve key"),
        Some(label) => {
            let what = format!("holds a {}, not a private key", label.to_lowercase());
            unusable(&what, "Give the file whose first line is -----BEGIN PRIVATE KEY-----.")
        }
        None => unusable(
            "is not a key in PEM form",
            "Give the file whose first line is -----BEGIN PRIVATE KEY-----, as private_key = \"file:PATH\".",
        ),
    })
}
