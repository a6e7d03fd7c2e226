//! Who asks: the account and the region that a request's signature names.

use hyper::http::request::Parts;

use super::ServerSettings;
use super::credentials::is_account;
use crate::base::Timestamp;
use crate::wire::{WireError, sigv4};

/// Who asks, and where.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Caller {
    /// 12 digits.
    pub(super) account: String,
    /// The region as it was sent.
    pub(super) region: String,
    /// The name of the user; `None` is the account itself.
    pub(super) user: Option<String>,
}

/// Finds who asks. With credentials, the signature must be right and be for `service`.
///
/// # Errors
/// Rows 7 to 11 of the service's first checks.
pub(super) fn identify(
    settings: &ServerSettings,
    now: Timestamp,
    parts: &Parts,
    body: &[u8],
    service: &str,
) -> Result<Caller, WireError> {
    let mut headers = Vec::with_capacity(parts.headers.len() + 1);
    for (name, value) in &parts.headers {
        if let Ok(value) = value.to_str() {
            headers.push((name.as_str(), value));
        }
    }
    // HTTP/2 carries the host in the request line; signatures cover it by its old name.
    let authority = parts
        .uri
        .authority()
        .map(hyper::http::uri::Authority::as_str);
    if let Some(authority) = authority
        && !parts.headers.contains_key("host")
    {
        headers.push(("host", authority));
    }
    let request = sigv4::Request {
        method: parts.method.as_str(),
        path: parts.uri.path(),
        query: parts.uri.query().unwrap_or_default(),
        headers: &headers,
        body,
    };
    let authorization = sigv4::authorization(&request)?;
    let [_, region, signed_for] = authorization.scope_parts();
    let Some(credentials) = &settings.credentials else {
        return Ok(Caller {
            account: account_of(settings, &authorization.access_key_id),
            region: region.to_owned(),
            user: None,
        });
    };
    credentials.check(now, &request, &authorization)?;
    if signed_for != service {
        // The text that AWS's services share; unverified for this one.
        return Err(WireError::new(
            "InvalidSignatureException",
            format!("Credential should be scoped to correct service: '{service}'."),
        ));
    }
    let owner = credentials.owner(&authorization.access_key_id);
    let account = owner.and_then(|owner| owner.account);
    Ok(Caller {
        account: account.unwrap_or(&settings.account_id).to_owned(),
        region: region.to_owned(),
        user: owner.map(|owner| owner.user.to_owned()),
    })
}

/// The account of a key that nobody vouches for: a key of 12 digits is one, as with LocalStack.
fn account_of(settings: &ServerSettings, key: &str) -> String {
    if is_account(key) {
        key.to_owned()
    } else {
        settings.account_id.clone()
    }
}

/// Whom a query names, for requests without a signature: `account=111122223333&region=eu-west-1`, both optional.
pub(super) fn named(settings: &ServerSettings, query: &str) -> Caller {
    let [account, region] = in_query(query);
    Caller {
        account: account_of(settings, account.unwrap_or_default()),
        region: region.unwrap_or_default().to_owned(),
        user: None,
    }
}

/// The account and the region that a query names.
pub(super) fn in_query(query: &str) -> [Option<&str>; 2] {
    ["account", "region"].map(|name| {
        let mut pairs = query.split('&').filter_map(|pair| pair.split_once('='));
        pairs.find(|(known, _)| *known == name).map(|(_, v)| v)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_of_12_digits_is_an_account_and_any_other_means_the_servers_own() {
        let settings = ServerSettings::default();
        assert_eq!(account_of(&settings, "111122223333"), "111122223333");
        for key in ["AKID", "11112222333", "1111222233334", "11112222333x", ""] {
            assert_eq!(account_of(&settings, key), "000000000000");
        }
    }

    #[test]
    fn a_query_names_account_and_region_in_any_order() {
        let settings = ServerSettings::default();
        let found = named(&settings, "region=eu-west-1&account=111122223333");
        assert_eq!(
            (found.account.as_str(), found.region.as_str()),
            ("111122223333", "eu-west-1")
        );
        assert_eq!(named(&settings, "x").account, "000000000000");
    }
}
