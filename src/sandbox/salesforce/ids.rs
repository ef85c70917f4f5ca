//! Record ids: 15 characters that tell case apart, and 3 more that say which of them are capitals.

const SUFFIX: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ012345";
const DIGITS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
/// Which instance made the record, in every id after the object's prefix.
const INSTANCE: &str = "gL";

/// The `number`-th id under `prefix`, 18 characters.
pub fn make(prefix: &str, number: u64) -> String {
    let mut digits = [b'0'; 10];
    let mut rest = number;
    for place in digits.iter_mut().rev() {
        *place = DIGITS[(rest % 62) as usize];
        rest /= 62;
    }
    let digits: String = digits.iter().map(|&digit| char::from(digit)).collect();
    with_suffix(&format!("{prefix}{INSTANCE}{digits}"))
}

/// The 18-character form of a well-formed id of 15 or 18 characters.
///
/// The suffix of a long id puts right what was folded to one case on the way, as Salesforce does.
pub fn parse(text: &str) -> Option<String> {
    if !text.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        return None;
    }
    match text.len() {
        15 => Some(with_suffix(text)),
        18 => {
            let mut id = String::with_capacity(18);
            for (chunk, mark) in text.as_bytes()[..15].chunks(5).zip(&text.as_bytes()[15..]) {
                let bits = SUFFIX.iter().position(|known| known == &mark.to_ascii_uppercase())?;
                for (place, &byte) in chunk.iter().enumerate() {
                    let capital = bits & (1 << place) != 0;
                    if capital && !byte.is_ascii_alphabetic() {
                        return None;
                    }
                    id.push(char::from(if capital { byte.to_ascii_uppercase() } else { byte.to_ascii_lowercase() }));
                }
            }
            Some(with_suffix(&id))
        }
        _ => None,
    }
}

fn with_suffix(short: &str) -> String {
    let mut id = short.to_owned();
    for chunk in short.as_bytes().chunks(5) {
        let bits = chunk
            .iter()
            .enumerate()
            .filter(|(_, byte)| byte.is_ascii_uppercase())
            .fold(0, |bits, (place, _)| bits | (1 << place));
        id.push(char::from(SUFFIX[bits]));
    }
    id
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn suffix_is_that_of_recorded_ids() {
        assert_eq!(parse("0035500001H9kZu").unwrap(), "0035500001H9kZuAAJ");
        assert_eq!(parse("0014S000007Nxml").unwrap(), "0014S000007NxmlQAC");
        assert_eq!(parse("0014s000007nxmlqac").unwrap(), "0014S000007NxmlQAC");
    }

    #[test]
    fn malformed_ids_are_refused() {
        for text in ["", "abc", "0035500001H9kZuAA", "0035500001H9kZ'", "0035500001H9kZuAA!", "00355000011111uA!J"] {
            assert_eq!(parse(text), None, "{text}");
        }
    }

    proptest::proptest! {
        #[test]
        fn made_ids_survive_the_short_form_and_lost_case(number in 0_u64..1_000_000_000_000) {
            let id = make("003", number);
            proptest::prop_assert_eq!(id.len(), 18);
            proptest::prop_assert_eq!(parse(&id[..15]), Some(id.clone()));
            proptest::prop_assert_eq!(parse(&id.to_lowercase()), Some(id));
        }
    }
}
