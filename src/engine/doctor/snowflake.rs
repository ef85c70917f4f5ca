//! The lines of a Snowflake connection.

use tokio_util::sync::CancellationToken;

use super::{CheckState, Checklist, reach};
use crate::config::SnowflakeConnection;
use crate::engine::Engine;

impl Engine {
    pub(super) async fn check_snowflake(&self, name: &str, connection: &SnowflakeConnection, list: &mut Checklist) {
        let (host, port) = snowflake_address(connection);
        if list.line("reach Snowflake", reach(&host, port), |()| format!("{host}:{port}")).await.is_none() {
            return;
        }
        let Some(source) = list.line("settings and secrets", self.source(name), |_| String::new()).await else {
            return;
        };
        let session = async { Ok(source.session().await?) };
        let Some(session) = list.line("login", session, |session| session.user.clone()).await else { return };
        let given = |list: &mut Checklist, what: &str, value: &Option<String>, hint: &str| {
            let state = if value.is_some() { CheckState::Ok } else { CheckState::Warning };
            let hint = value.is_none().then(|| hint.to_owned());
            list.tell(what, state, value.clone().unwrap_or_else(|| "none is set".to_owned()), hint);
        };
        given(list, "role", &session.role, "Set `role` in connections.toml.");
        given(list, "warehouse", &session.warehouse, "Set `warehouse` in connections.toml: a query needs one.");
        given(list, "database", &session.database, "Set `database`, or name it in each query.");
        let select = async {
            let rows = source.preview("SELECT 1", 1, CancellationToken::new()).await?;
            Ok(rows.elapsed)
        };
        list.line("select 1", select, |elapsed| format!("{} ms", elapsed.as_millis())).await;
    }
}

fn snowflake_address(connection: &SnowflakeConnection) -> (String, u16) {
    let host = connection
        .host
        .clone()
        .unwrap_or_else(|| format!("{}.snowflakecomputing.com", connection.account.to_lowercase()));
    let default = if connection.protocol.as_deref() == Some("http") { 80 } else { 443 };
    (host, connection.port.unwrap_or(default))
}
