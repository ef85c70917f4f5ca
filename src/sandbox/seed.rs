//! The made-up customers: plausible, the same for the same seed, and honestly dirty.
//!
//! The dirt stands at fixed ids (see [`dirt`]), so that tests and the org's own seed can name it;
//! from row 41 on it also comes by chance, about one row in forty.

/// One customer of `DEMO.SALES.CUSTOMERS`.
#[derive(Debug, Clone, PartialEq)]
#[expect(missing_docs, reason = "each is the column of that name")]
pub struct Customer {
    pub customer_id: i64,
    pub first_name: Option<String>,
    pub last_name: Option<String>,
    pub email: Option<String>,
    pub phone: Option<String>,
    pub title: Option<String>,
    pub company: Option<String>,
    pub account_number: Option<String>,
    /// `reseller`, `business`, `consumer` or `partner`.
    pub customer_type: &'static str,
    pub city: Option<String>,
    /// A state's code, or by mistake its name.
    pub state: Option<String>,
    pub country: Option<String>,
    /// Days since 1970-01-01.
    pub birthdate: Option<i32>,
    /// Hundredths.
    pub lifetime_value: i64,
    pub vip: bool,
    /// Microseconds since 1970-01-01, a wall clock.
    pub updated_at: i64,
    /// Microseconds since 1970-01-01, UTC.
    pub last_order_at: Option<i64>,
    /// Days since 1970-01-01; 9999-12-31 means for ever.
    pub valid_to: i32,
}

/// Which ids are dirty, and how. All of them are below 41.
pub mod dirt {
    /// Clean, reseller or business: `… WHERE CUSTOMER_TYPE IN ('reseller','business') LIMIT 5`
    /// brings exactly these, in this order.
    pub const FIRST_FIVE: [i64; 5] = [1, 2, 3, 4, 5];
    /// One of the first five; her last name is O'Brien. The org does not have her.
    pub const OBRIEN: i64 = 2;
    /// One of the first five; the org has the same contact with another phone and the email in
    /// upper case.
    pub const ORG_OTHER_PHONE: i64 = 3;
    /// One of the first five; the org has the same contact.
    pub const ORG_SAME: i64 = 4;
    /// The email ends in two spaces; the org has it without.
    pub const TRAILING_SPACES: i64 = 11;
    /// The email is in upper case; the org has it in lower case.
    pub const OTHER_CASE: i64 = 12;
    /// Two customers with one email, in different case.
    pub const TWINS: [i64; 2] = [13, 14];
    /// The last name is NULL; the org does not have the email.
    pub const NO_LAST_NAME: i64 = 15;
    /// The title has 300 characters.
    pub const LONG_TITLE: i64 = 16;
    /// The email is `not-an-email`.
    pub const BAD_EMAIL: i64 = 17;
    /// The email has two `@`.
    pub const TWO_ATS: i64 = 18;
    /// The email is NULL.
    pub const NULL_EMAIL: i64 = 19;
    /// The email is empty text.
    pub const EMPTY_EMAIL: i64 = 20;
    /// The state is `California`, not `CA`.
    pub const STATE_NAME: i64 = 21;
    /// Clean, but two contacts of the org have the email.
    pub const ORG_TWICE: i64 = 22;
    /// The last name holds a backslash and quotes.
    pub const BACKSLASH: i64 = 23;
    /// Born on 1900-01-01, LIFETIME_VALUE 98,765,432.10.
    pub const EXTREME: i64 = 24;
}

/// 9999-12-31 in days since 1970-01-01.
pub const FOR_EVER: i32 = 2_932_896;

const FIRST: &[&str] = &[
    "Dana", "Maeve", "Ravi", "Ingrid", "Tomas", "Aiko", "Priya", "Lucas", "Noor", "Hanna", "Mateo", "Chloe", "Emeka",
    "Sofia", "Viktor", "Lena", "Omar", "Grace", "Jonas", "Yara", "Felix", "Amara", "Hugo", "Mina", "Oscar", "Zofia",
    "Kofi", "Elif", "Bruno", "Ines", "Anders", "Leila", "Pablo", "Ruth", "Stefan", "Tala", "Ueli", "Wanda", "Xenia",
    "Bjørn",
];
const LAST: &[&str] = &[
    "Whitfield",
    "O'Brien",
    "Iyer",
    "Solberg",
    "Novak",
    "Tanaka",
    "Sharma",
    "Moreau",
    "Haddad",
    "Lindqvist",
    "Rojas",
    "Dubois",
    "Okafor",
    "Ricci",
    "Petrov",
    "Schneider",
    "Farouk",
    "Mensah",
    "Keller",
    "Aziz",
    "Brandt",
    "Diallo",
    "Lefevre",
    "Park",
    "Nilsson",
    "Kowalska",
    "Boateng",
    "Yilmaz",
    "Costa",
    "Almeida",
    "Berg",
    "Rahimi",
    "Vega",
    "Goldberg",
    "Horvat",
    "Santos",
    "Frei",
    "Zielinska",
    "D'Angelo",
    "Müller",
];
const TITLES: &[&str] = &[
    "VP, Logistics",
    "Head of Purchasing",
    "Buyer",
    "Operations Manager",
    "CFO",
    "Store Manager",
    "Data Analyst",
    "Account Director",
    "Procurement Lead",
    "Owner",
];
const COMPANIES: &[&str] = &[
    "Acme Industrial",
    "Northwind Supply",
    "Globex Retail",
    "Initech Parts",
    "Umbra Lighting",
    "Cedar & Sons",
    "Blue Harbor Foods",
    "Alpine Outdoor",
    "Vertex Tools",
    "Mondal Textiles",
    "Kite Logistics",
    "Orchard Health",
];
const PLACES: &[(&str, &str, &str)] = &[
    ("San Francisco", "CA", "United States"),
    ("Austin", "TX", "United States"),
    ("Portland", "OR", "United States"),
    ("Chicago", "IL", "United States"),
    ("Boston", "MA", "United States"),
    ("Toronto", "ON", "Canada"),
    ("Denver", "CO", "United States"),
    ("Seattle", "WA", "United States"),
];
const TYPES: &[&str] = &["reseller", "business", "consumer", "partner"];

/// The companies: account number and name.
pub fn accounts() -> impl Iterator<Item = (String, &'static str)> {
    COMPANIES.iter().enumerate().map(|(at, name)| (format!("A-{:04}", at + 1), *name))
}

/// The customers 1 to `rows`.
pub fn customers(seed: u64, rows: usize) -> impl Iterator<Item = Customer> {
    (1..=i64::try_from(rows).unwrap_or(i64::MAX)).map(move |id| customer(seed, id))
}

/// One customer by id: the same whatever is asked for around it.
pub fn customer(seed: u64, id: i64) -> Customer {
    let mut dice = Dice::new(seed, id);
    let first = dice.pick(FIRST);
    let last = if id == dirt::OBRIEN { "O'Brien" } else { dice.pick(LAST) };
    let (city, state, country) = *dice.pick_ref(PLACES);
    let company = dice.below(COMPANIES.len() as u64);
    let customer_type = match id {
        1 | 3 | 5 => "reseller",
        2 | 4 => "business",
        6..=10 => "consumer",
        _ => dice.pick(TYPES),
    };
    let day = 19_000 + dice.below(1_400) as i64;
    let second = dice.below(86_400) as i64;
    let plain = |text: &str| text.to_lowercase().chars().filter(char::is_ascii_alphabetic).collect::<String>();
    let domain = plain(COMPANIES[company as usize]);
    let mut customer = Customer {
        customer_id: id,
        first_name: Some(first.to_owned()),
        last_name: Some(last.to_owned()),
        // The id makes it unique.
        email: Some(format!("{}.{}{id}@{domain}.example", plain(first), plain(last))),
        phone: Some(format!("+1 415 555 {:04}", dice.below(10_000))),
        title: dice.chance(9, 10).then(|| dice.pick(TITLES).to_owned()),
        company: Some(COMPANIES[company as usize].to_owned()),
        account_number: Some(format!("A-{:04}", company + 1)),
        customer_type,
        city: Some(city.to_owned()),
        state: Some(state.to_owned()),
        country: Some(country.to_owned()),
        birthdate: dice.chance(4, 5).then(|| dice.below(18_000) as i32 - 7_000),
        lifetime_value: dice.below(5_000_000) as i64,
        vip: dice.chance(1, 10),
        updated_at: (day * 86_400 + second) * 1_000_000,
        last_order_at: dice.chance(3, 4).then(|| (day * 86_400 + second / 2) * 1_000_000 + 250_000),
        valid_to: if dice.chance(4, 5) { FOR_EVER } else { 22_000 },
    };
    soil(&mut customer, seed, &mut dice);
    customer
}

fn soil(customer: &mut Customer, seed: u64, dice: &mut Dice) {
    let address = customer.email.clone().unwrap_or_default();
    match customer.customer_id {
        // The first five are clean and whole: a newcomer's first rows should arrive.
        id @ 1..=5 => customer.title = Some(TITLES[id as usize].to_owned()),
        dirt::TRAILING_SPACES => customer.email = Some(format!("{address}  ")),
        dirt::OTHER_CASE => customer.email = Some(address.to_uppercase()),
        id if id == dirt::TWINS[1] => {
            customer.email = self::customer(seed, dirt::TWINS[0]).email.map(|email| email.to_uppercase());
        }
        dirt::NO_LAST_NAME => customer.last_name = None,
        dirt::LONG_TITLE => {
            customer.title = Some("Chief of everything that is far and wide ".repeat(8)[..300].to_owned());
        }
        dirt::BAD_EMAIL => customer.email = Some("not-an-email".to_owned()),
        dirt::TWO_ATS => customer.email = Some("a@b@c.example".to_owned()),
        dirt::NULL_EMAIL => customer.email = None,
        dirt::EMPTY_EMAIL => customer.email = Some(String::new()),
        dirt::STATE_NAME => customer.state = Some("California".to_owned()),
        dirt::BACKSLASH => customer.last_name = Some("O\\'Neil \"Mac\"".to_owned()),
        dirt::EXTREME => {
            customer.birthdate = Some(-25_567);
            customer.lifetime_value = 9_876_543_210;
        }
        6..=40 => {}
        _ => match dice.below(200) {
            0 => customer.email = Some(format!("{address} ")),
            1 => customer.email = Some(address.replace('@', " at ")),
            2 => customer.email = None,
            3 => customer.last_name = None,
            4 => customer.title = Some("Senior ".repeat(30)),
            _ => {}
        },
    }
}

/// splitmix64, seeded by the run's seed and the row.
struct Dice(u64);

impl Dice {
    fn new(seed: u64, id: i64) -> Self {
        Self(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ (id as u64).wrapping_mul(0xD1B5_4A32_D192_ED03))
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    fn below(&mut self, n: u64) -> u64 {
        self.next() % n.max(1)
    }

    fn chance(&mut self, of: u64, all: u64) -> bool {
        self.below(all) < of
    }

    fn pick_ref<'a, T>(&mut self, all: &'a [T]) -> &'a T {
        &all[self.below(all.len() as u64) as usize]
    }

    fn pick(&mut self, all: &[&'static str]) -> &'static str {
        self.pick_ref::<&'static str>(all)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn the_same_seed_gives_the_same_customers() {
        assert_eq!(customers(1, 50).collect::<Vec<_>>(), customers(1, 80).take(50).collect::<Vec<_>>());
        assert_ne!(customer(1, 30), customer(2, 30));
    }

    #[test]
    fn the_first_five_are_clean_and_the_dirt_is_where_it_says() {
        let all: Vec<Customer> = customers(1, 40).collect();
        let named: Vec<i64> = all
            .iter()
            .filter(|customer| ["reseller", "business"].contains(&customer.customer_type))
            .take(5)
            .map(|customer| customer.customer_id)
            .collect();
        assert_eq!(named, dirt::FIRST_FIVE);
        assert!(all[..5].iter().all(|one| one.title.is_some() && one.email.is_some() && one.last_name.is_some()));
        let of = |id: i64| &all[usize::try_from(id).unwrap() - 1];
        assert_eq!(of(dirt::OBRIEN).last_name.as_deref(), Some("O'Brien"));
        assert_eq!(of(dirt::LONG_TITLE).title.as_ref().map(String::len), Some(300));
        let twins = dirt::TWINS.map(|id| of(id).email.clone().unwrap());
        assert!(twins[0] != twins[1] && twins[0].eq_ignore_ascii_case(&twins[1]));
    }

    #[test]
    fn other_emails_are_unique() {
        let mut seen = HashSet::new();
        for one in customers(1, 2_000).filter(|one| one.customer_id != dirt::TWINS[1]) {
            if let Some(email) = one.email.filter(|email| email.contains('@')) {
                assert!(seen.insert(email.trim().to_lowercase()), "{email}");
            }
        }
    }
}
