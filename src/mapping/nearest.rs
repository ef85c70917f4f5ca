//! The name that somebody probably meant.

/// Likeness below this is chance.
const LEAST_LIKENESS: f64 = 0.7;

/// The candidate that looks most like `name`, if one looks like it at all. Case does not matter.
pub fn nearest<'a>(name: &str, candidates: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let name = name.to_lowercase();
    candidates
        .map(|candidate| (strsim::jaro_winkler(&candidate.to_lowercase(), &name), candidate))
        .filter(|(score, _)| *score > LEAST_LIKENESS)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, candidate)| candidate)
}

#[cfg(test)]
mod tests {
    use super::nearest;

    #[test]
    fn only_what_looks_alike() {
        assert_eq!(nearest("Contct", ["Account", "Contact"].into_iter()), Some("Contact"));
        assert_eq!(nearest("zzz", ["Account", "Contact"].into_iter()), None);
    }
}
