//! A decimal number that keeps every digit Snowflake sent.

use std::fmt;
use std::str::FromStr;

/// `unscaled × 10^-scale`; `NUMBER(10,2)` 22.00 is `{2200, 2}` and prints `22.00`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Decimal {
    /// The digits without the point. Snowflake's NUMBER has at most 38 of them.
    pub unscaled: i128,
    /// How many of the digits stand after the point.
    pub scale: u8,
}

impl Decimal {
    /// A number with `scale` digits after the point.
    pub const fn new(unscaled: i128, scale: u8) -> Self {
        Self { unscaled, scale }
    }

    /// The same number without trailing zeros after the point: `22.00` becomes `22`.
    pub fn normalized(mut self) -> Self {
        while self.scale > 0 && self.unscaled % 10 == 0 {
            self.unscaled /= 10;
            self.scale -= 1;
        }
        self
    }

    /// The nearest `f64`, for places that cannot hold digits.
    pub fn to_f64(self) -> f64 {
        self.to_string().parse().unwrap_or(f64::NAN)
    }
}

impl From<i64> for Decimal {
    fn from(n: i64) -> Self {
        Self::new(i128::from(n), 0)
    }
}

impl fmt::Display for Decimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.unscaled < 0 { "-" } else { "" };
        let digits = self.unscaled.unsigned_abs().to_string();
        let scale = usize::from(self.scale);
        if scale == 0 {
            return write!(f, "{sign}{digits}");
        }
        let padded = format!("{digits:0>width$}", width = scale + 1);
        let (whole, part) = padded.split_at(padded.len() - scale);
        write!(f, "{sign}{whole}.{part}")
    }
}

/// The text is not a plain decimal number of at most 38 digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a decimal number")]
pub struct ParseDecimalError;

impl FromStr for Decimal {
    type Err = ParseDecimalError;

    /// Reads `-12.50`, `+3`, `.5`; no exponent, no separators.
    fn from_str(text: &str) -> Result<Self, ParseDecimalError> {
        let text = text.trim();
        let (negative, rest) = match text.as_bytes().first() {
            Some(b'-') => (true, &text[1..]),
            Some(b'+') => (false, &text[1..]),
            _ => (false, text),
        };
        let (whole, part) = rest.split_once('.').unwrap_or((rest, ""));
        if whole.is_empty() && part.is_empty() {
            return Err(ParseDecimalError);
        }
        let mut unscaled: i128 = 0;
        for byte in whole.bytes().chain(part.bytes()) {
            let digit = (byte as char).to_digit(10).ok_or(ParseDecimalError)?;
            unscaled =
                unscaled.checked_mul(10).and_then(|n| n.checked_add(i128::from(digit))).ok_or(ParseDecimalError)?;
        }
        let scale = u8::try_from(part.len()).map_err(|_| ParseDecimalError)?;
        Ok(Self::new(if negative { -unscaled } else { unscaled }, scale))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn prints_every_digit() {
        assert_eq!(Decimal::new(2200, 2).to_string(), "22.00");
        assert_eq!(Decimal::new(-5, 3).to_string(), "-0.005");
        assert_eq!(Decimal::new(i128::MAX, 0).to_string(), i128::MAX.to_string());
    }

    proptest! {
        #[test]
        fn text_and_back(unscaled in any::<i64>(), scale in 0u8..20) {
            let number = Decimal::new(i128::from(unscaled), scale);
            prop_assert_eq!(number.to_string().parse::<Decimal>().unwrap(), number);
        }
    }
}
