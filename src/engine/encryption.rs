//! StartStreamEncryption and StopStreamEncryption. The engine keeps the books: any key id is good, nothing is encrypted.

use std::time::Duration;

use super::account::Account;
use super::control::check_active;
use super::stream::Change;
use crate::base::Timestamp;
use crate::kinesis::operation::{Encryption, EncryptionType};
use crate::kinesis::quotas::CapName;
use crate::kinesis::{Cause, KinesisError};

impl Account {
    /// StartStreamEncryption with a key: in force `takes` after `now`, for all records from then on (on the service up to
    /// 5 s later). Starting it again with the same key or another is accepted (unverified).
    ///
    /// # Errors
    /// `ResourceNotFound`, `ResourceInUse` unless ACTIVE, `LimitExceeded` for more successes in 24 hours than may be.
    pub fn start_stream_encryption(
        &self,
        now: Timestamp,
        takes: Duration,
        stream: &str,
        key_id: &str,
    ) -> Result<(), KinesisError> {
        let encryption = Encryption {
            key_id: Some(key_id.to_owned()),
        };
        self.change_encryption(now, takes, stream, encryption)
    }

    /// StopStreamEncryption: in force `takes` after `now`. The key id of the call is not compared, and stopping what was
    /// not started is accepted (both unverified).
    ///
    /// # Errors
    /// As [`Self::start_stream_encryption`].
    pub fn stop_stream_encryption(
        &self,
        now: Timestamp,
        takes: Duration,
        stream: &str,
    ) -> Result<(), KinesisError> {
        self.change_encryption(now, takes, stream, Encryption::default())
    }

    /// What PutRecord and PutRecords answer as EncryptionType: the stream's, `NONE` if there is no such stream.
    pub fn encryption_type(&self, stream: &str) -> EncryptionType {
        self.table()
            .get(stream)
            .map_or(EncryptionType::None, |found| found.encryption_type())
    }

    fn change_encryption(
        &self,
        now: Timestamp,
        takes: Duration,
        stream: &str,
        encryption: Encryption,
    ) -> Result<(), KinesisError> {
        let refuse = self.refuse(stream);
        let found = self.find(now, stream)?;
        let mut control = found.control();
        check_active(&found, refuse)?;
        let (window, limit) = match encryption.kind() {
            EncryptionType::Kms => (
                &mut control.encryption_starts,
                CapName::EncryptionStartsPerDay,
            ),
            EncryptionType::None => (
                &mut control.encryption_stops,
                CapName::EncryptionStopsPerDay,
            ),
        };
        if !window.has_room(now, self.limits().cap(limit)) {
            return Err(refuse.call_rate(Cause::AccountQuota));
        }
        window.note(now);
        found.begin(
            &mut control,
            now.plus(takes),
            Change::Encrypt(encryption),
            0,
        );
        found.settle(&self.pool, &mut control, now);
        Ok(())
    }
}
