//! `integrity.bin`: the account of each stream of a run, by the stream's name.
//!
//! Form, big-endian: magic 8, streams 4; for each: length of the name 2, name, length of the account 8, account. Each
//! account carries its own version and checksum.

use std::collections::BTreeMap;
use std::io::{self, Read, Write};

use super::snapshot::{Snapshot, SnapshotError};

const MAGIC: [u8; 8] = *b"sgbook\0\x01";

/// Writes the accounts of a run.
///
/// # Errors
/// What `output` answers; a name above 65,535 bytes is invalid input.
pub fn write_book<'a>(
    mut output: impl Write,
    accounts: impl ExactSizeIterator<Item = (&'a str, Snapshot)>,
) -> io::Result<()> {
    let too_long = |_| {
        io::Error::new(
            io::ErrorKind::InvalidInput,
            "too long for the integrity file",
        )
    };
    output.write_all(&MAGIC)?;
    output.write_all(
        &u32::try_from(accounts.len())
            .map_err(too_long)?
            .to_be_bytes(),
    )?;
    for (stream, account) in accounts {
        let mut bytes = Vec::new();
        account.write_to(&mut bytes)?;
        output.write_all(&u16::try_from(stream.len()).map_err(too_long)?.to_be_bytes())?;
        output.write_all(stream.as_bytes())?;
        output.write_all(&(bytes.len() as u64).to_be_bytes())?;
        output.write_all(&bytes)?;
    }
    Ok(())
}

/// Reads what [`write_book`] wrote.
///
/// # Errors
/// See [`SnapshotError`]. Memory taken is in proportion to what `input` holds, whatever it says.
pub fn read_book(mut input: impl Read) -> Result<BTreeMap<String, Snapshot>, SnapshotError> {
    if array::<8>(&mut input)? != MAGIC {
        return Err(SnapshotError::NotOurs);
    }
    let streams = u32::from_be_bytes(array(&mut input)?);
    let mut accounts = BTreeMap::new();
    for _ in 0..streams {
        let name_bytes = u64::from(u16::from_be_bytes(array(&mut input)?));
        let name = String::from_utf8(part(&mut input, name_bytes)?)
            .map_err(|_| SnapshotError::Damaged("a stream's name is not text"))?;
        let account_bytes = u64::from_be_bytes(array(&mut input)?);
        let account = Snapshot::read_from(&*part(&mut input, account_bytes)?)?;
        if accounts.insert(name, account).is_some() {
            return Err(SnapshotError::Damaged("a stream stands in it twice"));
        }
    }
    match input.read(&mut [0])? {
        0 => Ok(accounts),
        _ => Err(SnapshotError::Damaged("more follows the last account")),
    }
}

fn array<const N: usize>(input: &mut impl Read) -> io::Result<[u8; N]> {
    let mut bytes = [0; N];
    input.read_exact(&mut bytes)?;
    Ok(bytes)
}

fn part(input: &mut impl Read, length: u64) -> Result<Vec<u8>, SnapshotError> {
    let mut bytes = Vec::new();
    if input.take(length).read_to_end(&mut bytes)? as u64 == length {
        Ok(bytes)
    } else {
        Err(SnapshotError::Io(io::ErrorKind::UnexpectedEof.into()))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::measure::integrity::{Integrity, WorkerKey};

    fn book() -> (BTreeMap<String, Snapshot>, Vec<u8>) {
        let account = |run| {
            Integrity::new(
                run,
                &[WorkerKey {
                    producer: 0,
                    worker: 1,
                }],
                2,
            )
            .snapshot()
        };
        let accounts = BTreeMap::from([
            ("a".to_owned(), account(1)),
            ("orders".to_owned(), account(2)),
        ]);
        let mut bytes = Vec::new();
        write_book(
            &mut bytes,
            accounts
                .iter()
                .map(|(name, account)| (name.as_str(), account.clone())),
        )
        .unwrap();
        (accounts, bytes)
    }

    #[test]
    fn the_accounts_of_several_streams_are_read_back_by_their_names() {
        let (accounts, bytes) = book();
        assert_eq!(read_book(&*bytes).unwrap(), accounts);
        assert!(read_book(&b"something else"[..]).is_err());
        let longer = [&bytes[..], b"x"].concat();
        assert!(matches!(
            read_book(&*longer),
            Err(SnapshotError::Damaged(_))
        ));
    }

    proptest! {
        #[test]
        fn a_damaged_book_is_refused_or_read_without_a_panic(at in any::<prop::sample::Index>(), byte in any::<u8>(), cut in any::<bool>()) {
            let (_, mut bytes) = book();
            let at = at.index(bytes.len());
            if cut {
                prop_assert!(read_book(&bytes[..at]).is_err());
            }
            bytes[at] = byte;
            let _ = read_book(&*bytes);
        }
    }
}
