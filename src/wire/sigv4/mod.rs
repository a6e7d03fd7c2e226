//! Signature Version 4, as a server checks it, in the `Authorization` header or in the query, and as a client that has no
//! time to lose makes it.
//!
//! Source: AWS's "Create a signed AWS API request" and its published examples; texts of incomplete requests are
//! kinesalite's, from the service.

mod authorization;
mod sign;
mod signature;

pub use authorization::{Authorization, Placement, authorization};
pub use sign::{DayKey, Post};
pub use signature::{canonical_request, signature, string_to_sign, verify};

/// What a signature covers, as it came over the wire.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    /// `POST`.
    pub method: &'a str,
    /// The path, percent-encoded as it was sent; empty means `/`.
    pub path: &'a str,
    /// The query without `?`, percent-encoded as it was sent.
    pub query: &'a str,
    /// Names in any case, and values. A header that came several times stands several times.
    pub headers: &'a [(&'a str, &'a str)],
    /// The body.
    pub body: &'a [u8],
}

impl<'a> Request<'a> {
    /// The value of a header.
    fn header(&self, name: &str) -> Option<&'a str> {
        let found = self
            .headers
            .iter()
            .find(|(known, _)| known.eq_ignore_ascii_case(name));
        found.map(|(_, value)| *value)
    }

    /// The query's names and values, percent-encoded as they were sent.
    fn pairs(&self) -> impl Iterator<Item = (&'a str, &'a str)> {
        let parts = self.query.split('&').filter(|part| !part.is_empty());
        parts.map(|part| part.split_once('=').unwrap_or((part, "")))
    }
}
