//! Partition keys: the text of a number, and where it falls.

use std::sync::Arc;

use crate::kinesis::HashKey;
use crate::scenario::model::{KeyChoice, KeyTable, Keys, escape};

/// Shows key numbers as partition keys.
#[derive(Clone, PartialEq, Debug)]
pub struct KeyText {
    form: Form,
    /// How many keys each is spread over; 1 for itself alone.
    salt: u64,
}

/// Keys of a mix have the number of their part above this bit.
pub(super) const MIX_SHIFT: u32 = 56;

#[derive(Clone, PartialEq, Debug)]
enum Form {
    Numbered { prefix: Box<str>, suffix: Box<str> },
    Listed(Arc<KeyTable>),
    Mix(Vec<KeyText>),
}

/// A key's text in pieces.
struct Pieces<'a> {
    prefix: &'a str,
    digits: Option<u64>,
    suffix: &'a str,
    salt: Option<u64>,
}

impl KeyText {
    /// The text around the numbers, from [`Keys::format`], or the texts of written keys.
    pub fn new(keys: &Keys) -> Self {
        let (choice, salt) = match &keys.choice {
            KeyChoice::Salted { salt, of } => (&**of, (*salt).max(1)),
            other => (other, 1),
        };
        let form = match choice {
            KeyChoice::Listed(table) => Form::Listed(Arc::clone(table)),
            KeyChoice::Mix(parts) => {
                Form::Mix(parts.iter().map(|(_, keys)| Self::new(keys)).collect())
            }
            _ => Form::Numbered {
                prefix: keys.format.0.as_str().into(),
                suffix: keys.format.1.as_str().into(),
            },
        };
        Self { form, salt }
    }

    /// How many keys each number of the law is spread over.
    pub const fn salt(&self) -> u64 {
        self.salt
    }

    /// The text and the number within it, for mixed keys those of the part.
    fn part(&self, number: u64) -> (&Self, u64) {
        match &self.form {
            Form::Mix(parts) => match parts.get((number >> MIX_SHIFT) as usize) {
                Some(part) => part.part(number & ((1 << MIX_SHIFT) - 1)),
                None => (self, number),
            },
            _ => (self, number),
        }
    }

    fn pieces(&self, number: u64) -> Pieces<'_> {
        let (salt, number) = if self.salt > 1 {
            (Some(number % self.salt), number / self.salt)
        } else {
            (None, number)
        };
        let (prefix, digits, suffix) = match &self.form {
            Form::Numbered { prefix, suffix } => (&**prefix, Some(number), &**suffix),
            Form::Listed(table) => (table.text(number), None, ""),
            Form::Mix(_) => ("", Some(number), ""),
        };
        Pieces {
            prefix,
            digits,
            suffix,
            salt,
        }
    }

    /// Appends the partition key of this number.
    pub fn write(&self, number: u64, out: &mut String) {
        let (text, number) = self.part(number);
        let pieces = text.pieces(number);
        out.push_str(pieces.prefix);
        if let Some(digits) = pieces.digits {
            out.push_str(itoa::Buffer::new().format(digits));
        }
        out.push_str(pieces.suffix);
        if let Some(salt) = pieces.salt {
            out.push('-');
            out.push_str(itoa::Buffer::new().format(salt));
        }
    }

    /// Appends the partition key of this number as JSON has it between quotes.
    pub fn write_json(&self, number: u64, out: &mut Vec<u8>) {
        let (text, number) = self.part(number);
        let pieces = text.pieces(number);
        escape(pieces.prefix, out);
        if let Some(digits) = pieces.digits {
            out.extend_from_slice(itoa::Buffer::new().format(digits).as_bytes());
        }
        escape(pieces.suffix, out);
        if let Some(salt) = pieces.salt {
            out.push(b'-');
            out.extend_from_slice(itoa::Buffer::new().format(salt).as_bytes());
        }
    }

    /// The number whose partition key this is, if it is one. Mixed keys have none: two parts can have one text.
    pub fn number(&self, key: &str) -> Option<u64> {
        if self.salt > 1 {
            let (key, salt) = key.rsplit_once('-')?;
            let salt = plain_number(salt).filter(|salt| *salt < self.salt)?;
            return self
                .unsalted_number(key)?
                .checked_mul(self.salt)?
                .checked_add(salt);
        }
        self.unsalted_number(key)
    }

    fn unsalted_number(&self, key: &str) -> Option<u64> {
        match &self.form {
            Form::Numbered { prefix, suffix } => {
                plain_number(key.strip_prefix(&**prefix)?.strip_suffix(&**suffix)?)
            }
            Form::Listed(table) => table.number(key),
            Form::Mix(_) => None,
        }
    }

    /// Where the partition key of this number falls, or the hash key that is sent with it.
    pub fn hash(&self, number: u64) -> HashKey {
        if let Some(explicit) = self.explicit_hash_key(number) {
            return explicit;
        }
        let (text, number) = self.part(number);
        let pieces = text.pieces(number);
        let (mut digits, mut salt) = (itoa::Buffer::new(), itoa::Buffer::new());
        let digits = pieces.digits.map_or("", |number| digits.format(number));
        match pieces.salt {
            None => HashKey::of_partition_key_parts(&[pieces.prefix, digits, pieces.suffix]),
            Some(number) => HashKey::of_partition_key_parts(&[
                pieces.prefix,
                digits,
                pieces.suffix,
                "-",
                salt.format(number),
            ]),
        }
    }

    /// The hash key that is sent with this number, if there is one.
    pub fn explicit_hash_key(&self, number: u64) -> Option<HashKey> {
        let (text, number) = self.part(number);
        match &text.form {
            Form::Listed(table) => table.explicit_hash_key(number / text.salt),
            _ => None,
        }
    }

    /// Whether any of its keys is sent with a hash key of its own.
    pub fn is_explicit(&self) -> bool {
        match &self.form {
            Form::Numbered { .. } => false,
            Form::Listed(table) => table.explicit_hash_key(0).is_some(),
            Form::Mix(parts) => parts.iter().any(Self::is_explicit),
        }
    }

    /// The hash key that is sent with this partition key, if there is one; of mixed keys that of the first part with this
    /// key.
    pub fn explicit_of(&self, key: &str) -> Option<HashKey> {
        match &self.form {
            Form::Mix(parts) => parts.iter().find_map(|part| part.explicit_of(key)),
            _ => self.explicit_hash_key(self.number(key)?),
        }
    }

    /// The length in bytes of the partition key of this number.
    pub fn bytes(&self, number: u64) -> usize {
        let (text, number) = self.part(number);
        let pieces = text.pieces(number);
        pieces.prefix.len()
            + pieces.digits.map_or(0, digits)
            + pieces.suffix.len()
            + pieces.salt.map_or(0, |salt| 1 + digits(salt))
    }
}

/// A number as [`KeyText::write`] writes it.
fn plain_number(text: &str) -> Option<u64> {
    let plain =
        text.bytes().all(|digit| digit.is_ascii_digit()) && (text == "0" || !text.starts_with('0'));
    plain.then(|| text.parse().ok())?
}

/// How many decimal digits a number has.
fn digits(number: u64) -> usize {
    number.checked_ilog10().unwrap_or(0) as usize + 1
}

/// Remembers where keys fall: MD5 is what costs most in drawing a record. Direct-mapped, so that the keys of any
/// population of up to [`KeyHashes::SLOTS`], and the heaviest ones of a larger Zipf law, are hashed once.
#[derive(Clone, Debug)]
pub struct KeyHashes {
    text: KeyText,
    numbers: Box<[u64]>,
    hashes: Box<[HashKey]>,
}

impl KeyHashes {
    /// The most keys remembered; 24 bytes each.
    pub const SLOTS: u64 = 1 << 16;

    /// A memory of [`Self::SLOTS`] keys.
    pub fn new(text: KeyText) -> Self {
        Self::with_slots(text, Self::SLOTS)
    }

    /// A memory just large enough for the keys of this choice, as far as remembering them helps.
    pub fn for_keys(keys: &Keys) -> Self {
        let slots = slots(&keys.choice);
        Self::with_slots(KeyText::new(keys), slots)
    }

    fn with_slots(text: KeyText, slots: u64) -> Self {
        let slots = slots.clamp(1, Self::SLOTS).next_power_of_two() as usize;
        // Number 0 is in every slot, true wherever it is found: only slot 0 is ever asked for it.
        let hashes = vec![text.hash(0); slots].into();
        Self {
            text,
            numbers: vec![0; slots].into(),
            hashes,
        }
    }

    /// Where the key with this number falls.
    pub fn get(&mut self, number: u64) -> HashKey {
        let slot = (number & (self.numbers.len() as u64 - 1)) as usize;
        if self.numbers[slot] != number {
            self.numbers[slot] = number;
            self.hashes[slot] = self.text.hash(number);
        }
        self.hashes[slot]
    }

    /// How keys are shown.
    pub const fn text(&self) -> &KeyText {
        &self.text
    }
}

/// How many keys of a choice are worth remembering.
fn slots(choice: &KeyChoice) -> u64 {
    match choice {
        // Each number is gone before its turn comes again.
        KeyChoice::Unique | KeyChoice::Single => 1,
        KeyChoice::Sequential { population } if *population > KeyHashes::SLOTS => 1,
        KeyChoice::Uniform { population }
        | KeyChoice::Zipf { population, .. }
        | KeyChoice::HotSet { population, .. }
        | KeyChoice::Sequential { population }
        | KeyChoice::Normal { population, .. }
        | KeyChoice::Exponential { population, .. } => *population,
        KeyChoice::Listed(table) => table.population(),
        KeyChoice::Salted { salt, of } => slots(of).saturating_mul(*salt),
        KeyChoice::Latest { .. } | KeyChoice::Mix(_) => KeyHashes::SLOTS,
    }
}
