//! Models and mappings on disk: read, checked, saved.

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use toml_edit::{ArrayOfTables, DocumentMut, Item, Table};

use super::{ConfigError, Connections, Folders, file};
use crate::mapping::Mapping;
use crate::schedule::Schedule;

/// A model's name for files and commands: letters, digits, `-` and `_`.
pub fn is_slug(text: &str) -> bool {
    !text.is_empty() && text.len() <= 64 && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
}

/// The slug that a name suggests: `Key customers (EU)` becomes `key-customers-eu`.
pub fn slug_of(name: &str) -> String {
    let mut slug = String::new();
    for letter in name.chars() {
        if letter.is_ascii_alphanumeric() || letter == '_' {
            slug.push(letter.to_ascii_lowercase());
        } else if !slug.is_empty() && !slug.ends_with('-') {
            slug.push('-');
        }
    }
    slug.truncate(64);
    slug.trim_end_matches('-').to_owned()
}

/// Which mapping: `customers/contacts`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct MappingId {
    /// The model's slug.
    pub model: String,
    /// The mapping's slug.
    pub mapping: String,
}

impl fmt::Display for MappingId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.model, self.mapping)
    }
}

impl FromStr for MappingId {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.split_once('/') {
            Some((model, mapping)) if is_slug(model) && is_slug(mapping) => {
                Ok(Self { model: model.to_owned(), mapping: mapping.to_owned() })
            }
            _ => Err(format!("`{text}` is not of the form MODEL/MAPPING, such as customers/contacts")),
        }
    }
}

/// A mapping and its file name.
#[derive(Debug, Clone, PartialEq)]
pub struct NamedMapping {
    /// File name without `.toml`.
    pub slug: String,
    /// What the file says.
    pub mapping: Mapping,
}

/// A query, its key, and what is mapped from it.
#[derive(Debug, Clone, PartialEq)]
pub struct Model {
    /// Folder name.
    pub slug: String,
    /// What people call it.
    pub name: String,
    /// The Snowflake connection's name.
    pub connection: String,
    /// The columns that identify a row.
    pub key: Vec<String>,
    /// The query, as it stands in `model.sql`.
    pub sql: String,
    /// When it runs by itself; saving a model leaves it as it is in the file.
    pub schedule: Option<Schedule>,
    /// Its mappings, in the order of their names.
    pub mappings: Vec<NamedMapping>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ModelFile {
    name: Option<String>,
    connection: String,
    #[serde(default)]
    key: Vec<String>,
    schedule: Option<Schedule>,
}

/// All models that could be read, and what could not.
#[derive(Debug, Clone, Default)]
pub struct Catalog {
    /// The models, in the order of their slugs.
    pub models: Vec<Model>,
    /// Files that could not be used.
    pub problems: Vec<ConfigError>,
}

/// The user's files.
#[derive(Debug, Clone)]
pub struct Workspace {
    folders: Folders,
}

impl Workspace {
    /// Files under these folders; nothing is read or created yet.
    pub fn new(folders: Folders) -> Self {
        Self { folders }
    }

    /// Where the files are.
    pub fn folders(&self) -> &Folders {
        &self.folders
    }

    /// The connections; none when there is no file.
    pub fn connections(&self) -> Result<Connections, ConfigError> {
        let path = self.folders.connections();
        if !path.exists() {
            return Ok(Connections::default());
        }
        file::read_toml(&path)
    }

    /// Every model. A file that cannot be read is a problem beside the others, not the end.
    pub fn catalog(&self) -> Catalog {
        let mut catalog = Catalog::default();
        for slug in sorted_names(&self.folders.models(), |path| path.join("model.toml").exists().then(|| stem(path))) {
            let (model, problems) = match self.model_with_problems(&slug) {
                Ok(read) => read,
                Err(problem) => {
                    catalog.problems.push(problem);
                    continue;
                }
            };
            catalog.models.push(model);
            catalog.problems.extend(problems);
        }
        catalog
    }

    /// One model with all its mappings; any bad file is an error.
    pub fn model(&self, slug: &str) -> Result<Model, ConfigError> {
        let (model, problems) = self.model_with_problems(slug)?;
        problems.into_iter().next().map_or(Ok(model), Err)
    }

    /// A model and one of its mappings; other mappings may be broken.
    pub fn mapping(&self, id: &MappingId) -> Result<(Model, Mapping), ConfigError> {
        let (model, _) = self.model_with_problems(&id.model)?;
        let path = self.mapping_path(id);
        if !path.exists() {
            let known: Vec<_> = mapping_slugs(&self.folders.models().join(&id.model));
            let hint = if known.is_empty() {
                format!("The model {} has no mapping yet.", id.model)
            } else {
                format!("Known: {}.", known.join(", "))
            };
            return Err(ConfigError::new(&path, format!("there is no mapping `{}`", id.mapping), Some(&hint)));
        }
        Ok((model, file::read_toml(&path)?))
    }

    /// One model with its mappings that could be read, and why each of the others could not.
    pub fn model_and_problems(&self, slug: &str) -> Result<(Model, Vec<(String, ConfigError)>), ConfigError> {
        let (model, problems) = self.model_with_problems(slug)?;
        let named = problems.into_iter().map(|problem| (stem(&problem.path), problem)).collect();
        Ok((model, named))
    }

    fn model_with_problems(&self, slug: &str) -> Result<(Model, Vec<ConfigError>), ConfigError> {
        let folder = self.folders.models().join(slug);
        let path = folder.join("model.toml");
        if !is_slug(slug) || !path.exists() {
            let known =
                sorted_names(&self.folders.models(), |path| path.join("model.toml").exists().then(|| stem(path)));
            let hint = if known.is_empty() {
                "There is no model yet: `gondola` and then 2 Query makes one.".to_owned()
            } else {
                format!("Known: {}.", known.join(", "))
            };
            return Err(ConfigError::new(&path, format!("there is no model `{slug}`"), Some(&hint)));
        }
        let head: ModelFile = file::read_toml(&path)?;
        let sql = file::read(&folder.join("model.sql"))?;
        let mut mappings = Vec::new();
        let mut problems = Vec::new();
        for mapping in mapping_slugs(&folder) {
            match file::read_toml(&folder.join(format!("{mapping}.toml"))) {
                Ok(read) => mappings.push(NamedMapping { slug: mapping, mapping: read }),
                Err(problem) => problems.push(problem),
            }
        }
        let model = Model {
            slug: slug.to_owned(),
            name: head.name.unwrap_or_else(|| slug.to_owned()),
            connection: head.connection,
            key: head.key,
            sql,
            schedule: head.schedule,
            mappings,
        };
        Ok((model, problems))
    }

    fn mapping_path(&self, id: &MappingId) -> PathBuf {
        self.folders.models().join(&id.model).join(format!("{}.toml", id.mapping))
    }

    /// Writes `model.toml` and `model.sql`; its mappings are left alone.
    pub fn save_model(&self, model: &Model) -> Result<(), ConfigError> {
        let folder = self.folders.models().join(&model.slug);
        let path = folder.join("model.toml");
        slug_or_error(&model.slug, &path)?;
        let mut document = existing(&path)?;
        set(document.as_table_mut(), "name", toml_edit::value(model.name.clone()));
        set(document.as_table_mut(), "connection", toml_edit::value(model.connection.clone()));
        let key: toml_edit::Array = model.key.iter().map(String::as_str).collect();
        set(document.as_table_mut(), "key", toml_edit::value(key));
        // The query first: a model.toml without its query would not open.
        let mut sql = model.sql.trim_end().to_owned();
        sql.push('\n');
        file::write(&folder.join("model.sql"), &sql, false)?;
        file::write(&path, &document.to_string(), false)
    }

    /// Writes a mapping's file, keeping comments and what is unchanged in it.
    pub fn save_mapping(&self, id: &MappingId, mapping: &Mapping) -> Result<(), ConfigError> {
        let path = self.mapping_path(id);
        slug_or_error(&id.model, &path)?;
        slug_or_error(&id.mapping, &path)?;
        let fresh = toml_edit::ser::to_document(mapping)
            .map_err(|error| ConfigError::new(&path, format!("cannot be written as TOML: {error}"), None))?;
        let mut document = existing(&path)?;
        merge(&mut document, &fresh);
        file::write(&path, &document.to_string(), false)
    }

    /// Writes `connections.toml` anew (the demo's, or the first one), for its owner's eyes only.
    pub fn write_connections(&self, text: &str) -> Result<(), ConfigError> {
        file::write(&self.folders.connections(), text, true)
    }

    /// Writes a file that holds a secret, beside `connections.toml`, for its owner's eyes only.
    pub fn write_secret(&self, name: &str, text: &str) -> Result<(), ConfigError> {
        file::write(&self.folders.config.join(name), text, true)
    }
}

fn slug_or_error(slug: &str, path: &Path) -> Result<(), ConfigError> {
    if is_slug(slug) {
        return Ok(());
    }
    Err(ConfigError::new(
        path,
        format!("`{slug}` cannot be a file's name"),
        Some("Use letters, digits, - and _, at most 64."),
    ))
}

fn stem(path: &Path) -> String {
    path.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default()
}

fn sorted_names(folder: &Path, name: impl Fn(&Path) -> Option<String>) -> Vec<String> {
    let mut names: Vec<String> =
        fs::read_dir(folder).into_iter().flatten().flatten().filter_map(|entry| name(&entry.path())).collect();
    names.sort();
    names
}

fn mapping_slugs(folder: &Path) -> Vec<String> {
    sorted_names(folder, |path| {
        let is_mapping = path.extension().is_some_and(|end| end == "toml") && stem(path) != "model";
        is_mapping.then(|| stem(path))
    })
}

fn existing(path: &Path) -> Result<DocumentMut, ConfigError> {
    if !path.exists() {
        return Ok(DocumentMut::new());
    }
    file::read(path)?.parse().map_err(|error: toml_edit::TomlError| {
        ConfigError::new(path, error.message().to_owned(), Some("Mend the file first; nothing was changed."))
    })
}

/// Replaces a value, keeping the comments around it.
fn set(table: &mut Table, key: &str, mut item: Item) {
    if let (Some(old), Some(new)) = (table.get(key).and_then(Item::as_value), item.as_value_mut()) {
        *new.decor_mut() = old.decor().clone();
    }
    match table.get_mut(key) {
        Some(place) => *place = item,
        None => {
            table.insert(key, item);
        }
    }
}

/// Brings what the file says to what the mapping says; comments stay with their keys and links.
fn merge(document: &mut DocumentMut, fresh: &DocumentMut) {
    let mut links = ArrayOfTables::new();
    let mut fresh: Table = fresh.as_table().clone();
    if let Some(item) = fresh.remove("link") {
        match item.into_array_of_tables() {
            Ok(tables) => links = tables,
            Err(other) => drop(other),
        }
    }
    for (key, item) in fresh {
        set(document.as_table_mut(), &key, inline(item));
    }
    let field_of = |table: &Table| table.get("field").and_then(Item::as_str).unwrap_or_default().to_lowercase();
    let old = document.get("link").and_then(Item::as_array_of_tables).cloned().unwrap_or_default();
    let mut merged = ArrayOfTables::new();
    for new in &links {
        let mut table = old.iter().find(|table| field_of(table) == field_of(new)).cloned().unwrap_or_default();
        let gone: Vec<String> =
            table.iter().map(|(key, _)| key.to_owned()).filter(|key| !new.contains_key(key)).collect();
        for key in gone {
            table.remove(&key);
        }
        for (key, item) in new {
            let same = table.get(key).map(|old| old.to_string().trim().to_owned())
                == Some(inline(item.clone()).to_string().trim().to_owned());
            if !same {
                set(&mut table, key, inline(item.clone()));
            }
        }
        merged.push(table);
    }
    if merged.is_empty() {
        document.remove("link");
    } else {
        document.insert("link", Item::ArrayOfTables(merged));
    }
}

/// Tables inside a mapping are written on one line: `match = { all = [{ … }] }`.
fn inline(item: Item) -> Item {
    match item.into_value() {
        Ok(value) => {
            let mut value = value;
            value.decor_mut().clear();
            Item::Value(value)
        }
        Err(item) => item,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mapping::{Link, MatchTerm};

    fn workspace() -> (tempfile::TempDir, Workspace) {
        let home = tempfile::tempdir().unwrap();
        let workspace = Workspace::new(Folders::at(home.path()));
        (home, workspace)
    }

    fn sample() -> (Model, MappingId, Mapping) {
        let model = Model {
            slug: "customers".into(),
            name: "Customers".into(),
            connection: "prod".into(),
            key: vec!["CUSTOMER_ID".into()],
            sql: "SELECT 1".into(),
            schedule: None,
            mappings: vec![],
        };
        let mut mapping = Mapping::new("sales", "Contact");
        mapping.matcher.terms = vec![MatchTerm { column: "EMAIL".into(), field: "Email".into() }];
        mapping.links = vec![Link::new("EMAIL", "Email"), Link::new("PHONE", "Phone")];
        (model, "customers/contacts".parse().unwrap(), mapping)
    }

    #[test]
    fn what_is_saved_is_read_back() {
        let (_home, workspace) = workspace();
        let (model, id, mapping) = sample();
        workspace.save_model(&model).unwrap();
        workspace.save_mapping(&id, &mapping).unwrap();
        let (read, mapped) = workspace.mapping(&id).unwrap();
        assert_eq!(mapped, mapping);
        assert_eq!((read.key, read.sql.as_str()), (model.key, "SELECT 1\n"));
        assert!(workspace.catalog().problems.is_empty());
    }

    #[test]
    fn saving_keeps_comments_and_unchanged_lines() {
        let (_home, workspace) = workspace();
        let (model, id, mut mapping) = sample();
        workspace.save_model(&model).unwrap();
        workspace.save_mapping(&id, &mapping).unwrap();
        let path = workspace.mapping_path(&id);
        let text = fs::read_to_string(&path).unwrap();
        let text = format!("# ours\n{}", text.replacen("[[link]]", "# the address\n[[link]]", 1));
        fs::write(&path, &text).unwrap();
        workspace.save_mapping(&id, &mapping).unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), text, "saving what is there changes nothing");
        mapping.links[1].transforms = vec!["trim".parse().unwrap()];
        mapping.links.push(Link::new("CITY", "MailingCity"));
        workspace.save_mapping(&id, &mapping).unwrap();
        let text = fs::read_to_string(&path).unwrap();
        assert!(text.contains("# ours") && text.contains("# the address") && text.contains("MailingCity"), "{text}");
        assert_eq!(workspace.mapping(&id).unwrap().1, mapping);
    }

    #[test]
    fn bad_files_name_the_place_and_the_nearest_key() {
        let (_home, workspace) = workspace();
        let (model, id, mapping) = sample();
        workspace.save_model(&model).unwrap();
        workspace.save_mapping(&id, &mapping).unwrap();
        let path = workspace.mapping_path(&id);
        fs::write(&path, "connection = \"sales\"\nobject = \"Contact\"\noperatoin = \"upsert\"\n").unwrap();
        let error = workspace.mapping(&id).unwrap_err().to_string();
        assert!(error.contains(":3:1: unknown key `operatoin`. Did you mean `operation`?"), "{error}");
        fs::write(&path, b"connection = \"sal\xffes\"\n").unwrap();
        let error = workspace.mapping(&id).unwrap_err().to_string();
        assert!(error.contains(":1:18: this is not UTF-8 text"), "{error}");
        assert_eq!(workspace.catalog().problems.len(), 1);
    }

    #[test]
    fn names_become_slugs() {
        assert_eq!(slug_of("Key customers (EU)"), "key-customers-eu");
        assert!("a/b/c".parse::<MappingId>().is_err());
        assert!("../x".parse::<MappingId>().is_err());
    }
}
