//! Which URLs lead to AWS.

/// The domains of AWS's endpoints: commercial and GovCloud, China, dual-stack (general reference, "AWS service
/// endpoints"). VPC endpoints end in the first two.
const AWS_DOMAINS: [&str; 4] = [
    ".amazonaws.com",
    ".amazonaws.com.cn",
    ".api.aws",
    ".api.amazonwebservices.com.cn",
];

/// The host of a URL.
pub fn host_of_url(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let host = authority.rsplit('@').next().unwrap_or_default();
    host.split(':').next().unwrap_or_default()
}

/// Whether a URL's host is one of AWS's. Anything else at a target of kind `aws` rehearses it.
pub fn is_aws_url(url: &str) -> bool {
    let host = host_of_url(url).to_ascii_lowercase();
    AWS_DOMAINS.iter().any(|domain| host.ends_with(domain))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_is_of_aws_by_its_host_and_by_nothing_else_in_it() {
        for url in [
            "https://kinesis.eu-west-1.amazonaws.com",
            "https://kinesis-fips.us-gov-west-1.amazonaws.com:443/",
            "https://vpce-1.kinesis.eu-west-1.vpce.amazonaws.com",
            "https://kinesis.eu-west-1.api.aws",
            "https://kinesis.cn-north-1.amazonaws.com.cn",
            "HTTPS://Kinesis.eu-west-1.AmazonAWS.com",
        ] {
            assert!(is_aws_url(url), "{url}");
        }
        for url in [
            "http://127.0.0.1:4567",
            "http://localhost:4566/kinesis.eu-west-1.amazonaws.com",
            "https://kinesis.eu-west-1.amazonaws.com@example.com/",
            "https://amazonaws.com.example.com",
            "",
        ] {
            assert!(!is_aws_url(url), "{url}");
        }
    }
}
