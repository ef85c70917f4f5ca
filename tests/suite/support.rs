//! A sandbox in this process, a home in a temporary folder, and the real program between them.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::{Duration, Instant};

use gondola::sandbox::{Options, Ready, Sandbox};
use serde_json::{Value, json};
use tokio::runtime::Runtime;

/// The five lines that a newcomer draws.
pub const FIVE_LINES: [(&str, &str); 5] = [
    ("EMAIL", "Email"),
    ("FIRST_NAME", "FirstName"),
    ("LAST_NAME", "LastName"),
    ("PHONE", "Phone"),
    ("TITLE", "Title"),
];
/// The query of the first screen.
pub const FIVE_ROWS: &str = "SELECT * FROM DEMO.SALES.CUSTOMERS WHERE CUSTOMER_TYPE IN ('reseller','business') LIMIT 5";
/// The mapping of these tests.
pub const MAPPING: &str = "customers/contacts";

/// Everything a test needs; the sandbox and the home end with it.
pub struct World {
    pub runtime: Runtime,
    pub sandbox: Sandbox,
    pub home: tempfile::TempDir,
    http: reqwest::Client,
}

/// What the program said and how it ended.
pub struct Said {
    pub code: i32,
    pub out: String,
    pub err: String,
}

impl Said {
    pub fn of(output: &Output) -> Self {
        Self {
            code: output.status.code().unwrap_or(-1),
            out: String::from_utf8(output.stdout.clone()).unwrap(),
            err: String::from_utf8(output.stderr.clone()).unwrap(),
        }
    }

    /// Stdout as JSON lines.
    pub fn events(&self) -> Vec<Value> {
        self.out
            .lines()
            .map(|line| serde_json::from_str(line).unwrap_or_else(|_| panic!("{line}\n{}", self.err)))
            .collect()
    }

    /// The last event, which must be a summary.
    pub fn summary(&self) -> Value {
        let last = self.events().pop().unwrap_or_else(|| panic!("nothing on stdout: {}", self.err));
        assert_eq!(last["event"], "summary", "{last}\n{}", self.err);
        last
    }

    /// The row events.
    pub fn rows(&self) -> Vec<Value> {
        self.events().into_iter().filter(|event| event["event"] == "row").collect()
    }
}

impl World {
    pub fn new(options: Options) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let sandbox = runtime.block_on(Sandbox::start(options)).unwrap();
        let home = tempfile::tempdir().unwrap();
        let http = reqwest::Client::builder().no_proxy().build().unwrap();
        let world = Self { runtime, sandbox, home, http };
        world.write_connections("env:SNOW_PASSWORD");
        world
    }

    /// A sandbox of a thousand customers, and the five lines over a query.
    pub fn with_query(options: Options, sql: &str) -> Self {
        let world = Self::new(options);
        world.write_model(sql);
        world.write_mapping(&FIVE_LINES, "");
        world
    }

    pub fn ready(&self) -> &Ready {
        &self.sandbox.ready
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.home.path().join("config").join(name)
    }

    pub fn write(&self, name: &str, text: impl AsRef<[u8]>) {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    pub fn write_connections(&self, password: &str) {
        let (snowflake, salesforce) = (&self.ready().snowflake, &self.ready().salesforce);
        self.write(
            "connections.toml",
            format!(
                "[snowflake.prod]\naccount = \"{}\"\nuser = \"{}\"\npassword = \"{password}\"\nhost = \"{}\"\nport = {}\n\
                 protocol = \"http\"\ndatabase = \"{}\"\nschema = \"{}\"\nwarehouse = \"{}\"\nrole = \"{}\"\n\n\
                 [salesforce.sales]\nlogin_url = \"{}\"\nauth = \"client-credentials\"\nclient_id = \"{}\"\n\
                 client_secret = \"env:SF_SECRET\"\n",
                snowflake.account, snowflake.user, snowflake.host, snowflake.port, snowflake.database,
                snowflake.schema, snowflake.warehouse, snowflake.role, salesforce.login_url, salesforce.client_id,
            ),
        );
    }

    pub fn write_model(&self, sql: &str) {
        self.write(
            "models/customers/model.toml",
            "name = \"Customers\"\nconnection = \"prod\"\nkey = [\"CUSTOMER_ID\"]\n",
        );
        self.write("models/customers/model.sql", sql);
    }

    /// Writes the mapping; `more` goes before the links.
    pub fn write_mapping(&self, lines: &[(&str, &str)], more: &str) {
        let mut text = format!(
            "connection = \"sales\"\nobject = \"Contact\"\n{more}\nmatch = {{ all = [{{ column = \"EMAIL\", field = \"Email\" }}] }}\n"
        );
        for (column, field) in lines {
            text += &format!("\n[[link]]\ncolumn = \"{column}\"\nfield = \"{field}\"\n");
        }
        self.write("models/customers/contacts.toml", text);
    }

    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_gondola"));
        command
            .args(arguments)
            .env("GONDOLA_HOME", self.home.path())
            .env("SNOW_PASSWORD", &self.ready().snowflake.password)
            .env("SF_SECRET", &self.ready().salesforce.client_secret)
            .stdin(std::process::Stdio::null());
        command
    }

    pub fn gondola(&self, arguments: &[&str]) -> Said {
        Said::of(&self.command(arguments).output().unwrap())
    }

    /// Runs the mapping to its end.
    pub fn run(&self) -> Said {
        self.gondola(&["run", MAPPING, "--yes", "--json"])
    }

    fn control(&self, path: &str, body: Option<Value>) -> Value {
        let url = format!("{}{path}", self.ready().control_url);
        self.runtime.block_on(async {
            let request = match body {
                Some(body) => self.http.post(url).json(&body),
                None => self.http.get(url),
            };
            request.send().await.unwrap().json().await.unwrap()
        })
    }

    pub fn stats(&self) -> Value {
        self.control("/stats", None)
    }

    pub fn contacts(&self) -> u64 {
        self.stats()["records"]["Contact"].as_u64().unwrap()
    }

    pub fn calls(&self, endpoint: &str) -> u64 {
        self.stats()["calls"][endpoint].as_u64().unwrap_or(0)
    }

    pub fn sql(&self, sql: &str) {
        let answer = self.control("/sql", Some(json!({"sql": sql})));
        assert!(answer["result"].is_string(), "{answer}");
    }

    pub fn fault(&self, fault: Value) {
        let answer = self.control("/fault", Some(fault));
        assert!(answer.get("error").is_none(), "{answer}");
    }

    /// What Salesforce holds, asked as anybody would.
    pub fn soql(&self, soql: &str) -> Vec<Value> {
        let salesforce = &self.ready().salesforce;
        let url = format!("{}/services/data/v{}/query", salesforce.instance_url, salesforce.api_version);
        self.runtime.block_on(async {
            let token = self.token().await;
            let answer: Value =
                self.http.get(url).query(&[("q", soql)]).bearer_auth(token).send().await.unwrap().json().await.unwrap();
            answer["records"].as_array().unwrap_or_else(|| panic!("{answer}")).clone()
        })
    }

    /// Changes a contact behind the program's back.
    pub fn patch_contact(&self, id: &str, fields: &Value) {
        let salesforce = &self.ready().salesforce;
        let url =
            format!("{}/services/data/v{}/sobjects/Contact/{id}", salesforce.instance_url, salesforce.api_version);
        self.runtime.block_on(async {
            let token = self.token().await;
            let answer = self.http.patch(url).bearer_auth(token).json(fields).send().await.unwrap();
            assert!(answer.status().is_success(), "{}", answer.status());
        });
    }

    /// Deletes a contact behind the program's back.
    pub fn delete_contact(&self, id: &str) {
        let salesforce = &self.ready().salesforce;
        let url =
            format!("{}/services/data/v{}/sobjects/Contact/{id}", salesforce.instance_url, salesforce.api_version);
        self.runtime.block_on(async {
            let token = self.token().await;
            let answer = self.http.delete(url).bearer_auth(token).send().await.unwrap();
            assert!(answer.status().is_success(), "{}", answer.status());
        });
    }

    /// Sends a form, as anybody would.
    pub fn post_form(&self, url: &str, form: &[(&str, &str)]) -> Value {
        self.runtime.block_on(async { self.http.post(url).form(form).send().await.unwrap().json().await.unwrap() })
    }

    /// Where a browser is sent from here.
    pub fn redirect_of(&self, url: &str) -> String {
        let browser =
            reqwest::Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none()).build().unwrap();
        let answer = self.runtime.block_on(browser.get(url).send()).unwrap();
        answer.headers()["location"].to_str().unwrap().to_owned()
    }

    /// A page as a browser gets it.
    pub fn page(&self, url: &str) -> String {
        self.runtime.block_on(async { self.http.get(url).send().await.unwrap().text().await.unwrap() })
    }

    /// Creates a record behind the program's back and gives its id.
    pub fn create(&self, object: &str, fields: &Value) -> String {
        let salesforce = &self.ready().salesforce;
        let url = format!("{}/services/data/v{}/sobjects/{object}", salesforce.instance_url, salesforce.api_version);
        self.runtime.block_on(async {
            let token = self.token().await;
            let answer: Value =
                self.http.post(url).bearer_auth(token).json(fields).send().await.unwrap().json().await.unwrap();
            answer["id"].as_str().unwrap_or_else(|| panic!("{answer}")).to_owned()
        })
    }

    async fn token(&self) -> String {
        let salesforce = &self.ready().salesforce;
        let form = [
            ("grant_type", "client_credentials"),
            ("client_id", &salesforce.client_id),
            ("client_secret", &salesforce.client_secret),
        ];
        let url = format!("{}/services/oauth2/token", salesforce.login_url);
        let answer: Value = self.http.post(url).form(&form).send().await.unwrap().json().await.unwrap();
        answer["access_token"].as_str().unwrap().to_owned()
    }
}

/// Waits until something is true; a test that waits for ever has failed.
pub fn wait_until(what: &str, mut is_so: impl FnMut() -> bool) {
    let end = Instant::now() + Duration::from_secs(60);
    while !is_so() {
        assert!(Instant::now() < end, "waited in vain: {what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// Every file under a folder with its bytes.
pub fn files(folder: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else {
            found.push((path.clone(), std::fs::read(path).unwrap()));
        }
    }
    found.sort();
    found
}
