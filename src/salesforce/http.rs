//! The HTTP clients: one for the wide world, one for this machine, one for plain http on it.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use reqwest::redirect;

use super::errors::refused_here;
use super::hosts::Base;
use crate::destination::DestinationError;

/// How long a connection may take to stand.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// How long a whole call may take.
const CALL_TIMEOUT: Duration = Duration::from_secs(120);
/// An idle connection is dropped before a gateway does it silently, which would put a write in doubt.
const IDLE_TIMEOUT: Duration = Duration::from_secs(30);

/// The clients that were needed so far.
#[derive(Debug, Default)]
pub(crate) struct Http {
    clients: Mutex<HashMap<(bool, bool), reqwest::Client>>,
}

impl Http {
    /// The client for calls to `base`.
    pub(crate) fn to(&self, base: &Base) -> Result<reqwest::Client, DestinationError> {
        let mut clients = self.clients.lock().unwrap_or_else(PoisonError::into_inner);
        let kind = (base.is_loopback(), base.is_plain());
        if let Some(client) = clients.get(&kind) {
            return Ok(client.clone());
        }
        let client = build(base)?;
        clients.insert(kind, client.clone());
        Ok(client)
    }
}

fn build(base: &Base) -> Result<reqwest::Client, DestinationError> {
    let mut builder = reqwest::Client::builder()
        .user_agent(concat!("gondola/", env!("CARGO_PKG_VERSION")))
        .connect_timeout(CONNECT_TIMEOUT)
        .timeout(CALL_TIMEOUT)
        .pool_idle_timeout(IDLE_TIMEOUT)
        .tcp_nodelay(true)
        .gzip(true)
        .referer(false)
        // A redirect would carry the call to a host that was not checked.
        .redirect(redirect::Policy::none());
    if base.is_loopback() {
        builder = builder.no_proxy();
    }
    if base.is_plain() {
        // The sandbox must work on a machine without any certificates.
        builder = builder.tls_certs_only([]);
    }
    builder.build().map_err(|error| {
        refused_here(
            "HTTP_SETUP",
            format!("The HTTP client cannot be set up: {:?}", error.without_url()),
            "Check the proxy settings and the machine's certificates (package ca-certificates).",
        )
    })
}
