//! `streamgauge.toml`: the places that scenarios can run against, by name, so that scenarios hold none.
//!
//! Invariant: a [`TargetSpec`] holds no secret. Credentials come from AWS's own chain of sources when it is used.

use std::collections::BTreeMap;
use std::sync::Arc;

use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde::Deserialize;

use super::check::check;
use super::finding::Finding;
use super::load::Source;
use super::problem::{Origin, Problems};
use super::quantity::{AccountText, Quantity as _, RoleText, UrlForm, UrlText};
use super::schema::{NameKey, drop_null};
use super::tree::Node;

/// The file's name, beside the scenario or in the working directory.
pub const TARGETS_FILE: &str = "streamgauge.toml";

/// The names that mean the same everywhere.
const BUILT_IN: [(&str, TargetKind); 2] = [
    ("embedded", TargetKind::Embedded),
    ("simulated", TargetKind::Simulated),
];

/// What kind of place a target is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum TargetKind {
    /// The engine in this process, in real time.
    Embedded,
    /// The engine in this process, in virtual time.
    Simulated,
    /// A server that speaks Kinesis.
    Endpoint,
    /// Amazon Kinesis.
    Aws,
}

impl TargetKind {
    /// The kind as files and reports write it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Embedded => "embedded",
            Self::Simulated => "simulated",
            Self::Endpoint => "endpoint",
            Self::Aws => "aws",
        }
    }

    /// Whether the engine is in this process.
    pub const fn is_in_process(self) -> bool {
        matches!(self, Self::Embedded | Self::Simulated)
    }
}

/// A place to run against.
#[derive(Clone, PartialEq, Debug)]
pub struct TargetSpec {
    /// What `--target` named: a name of the file, a built-in name or the URL.
    pub name: String,
    /// What it is.
    pub kind: TargetKind,
    /// Where it is, `http` or `https`, without user, password, query and without a slash at its end. Always there for
    /// an endpoint; for AWS only when it is not the region's public endpoint.
    pub url: Option<String>,
    /// The AWS region. Always there for AWS.
    pub region: Option<String>,
    /// The 12 digits of the account that the credentials must belong to. Always there for AWS.
    pub account: Option<String>,
    /// The ARN of the role to take.
    pub role: Option<String>,
    /// The profile of the shared AWS configuration to use.
    pub profile: Option<String>,
    /// The most that a run may cost by its estimate, in USD.
    pub max_cost_usd: Option<f64>,
}

impl TargetSpec {
    /// The engine in this process, in real or in virtual time, or a name that stands alone.
    pub fn of_kind(name: impl Into<String>, kind: TargetKind) -> Self {
        Self {
            name: name.into(),
            kind,
            url: None,
            region: None,
            account: None,
            role: None,
            profile: None,
            max_cost_usd: None,
        }
    }

    /// The endpoint with this URL, which is its name too.
    ///
    /// # Errors
    /// A sentence about what is wrong with the URL; it does not repeat it.
    pub fn endpoint(url: &str) -> Result<Self, String> {
        let url = UrlForm::parse(url)?;
        if is_amazons(&url) {
            return Err(format!("{AMAZONS}, with its account and region"));
        }
        Ok(Self {
            url: Some(url.clone()),
            ..Self::of_kind(url, TargetKind::Endpoint)
        })
    }
}

/// What is said to a URL of AWS that is given as an endpoint's: nothing would guard the account there.
const AMAZONS: &str =
    "this is AWS itself, which runs may only use as a `[targets.NAME]` of `kind = \"aws\"`";

/// Whether the URL's host is one of AWS's own.
fn is_amazons(url: &str) -> bool {
    let uri = url.parse::<hyper::Uri>();
    let host = uri.ok().and_then(|uri| uri.host().map(str::to_lowercase));
    let host = host.unwrap_or_default();
    let host = host.trim_end_matches('.');
    ["amazonaws.com", "amazonaws.com.cn", "api.aws"]
        .iter()
        .any(|domain| {
            host.strip_suffix(domain)
                .is_some_and(|rest| rest.ends_with('.'))
        })
}

/// The targets of a file by name.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Targets(BTreeMap<String, TargetSpec>);

/// Why what `--target` was given is no target.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum PickError {
    /// It has `://`, and is no URL that could be an endpoint's.
    #[error("`--target`: {0}")]
    Url(String),
    /// No target has this name.
    #[error("`--target {name}`: there is no target of that name; accepted: {}, a URL such as `http://127.0.0.1:4567`, or a name declared as `[targets.NAME]` in `{TARGETS_FILE}`{}", .accepted.join(", "), help(.meant.as_deref()))]
    Unknown {
        /// What was given.
        name: String,
        /// The names that there are, in backticks.
        accepted: Vec<String>,
        /// What was probably meant.
        meant: Option<String>,
    },
}

fn help(meant: Option<&str>) -> String {
    meant.map_or_else(String::new, |name| format!("; did you mean `{name}`?"))
}

impl Targets {
    /// The target that `--target` names.
    ///
    /// # Errors
    /// When it is neither a URL nor a name that is known.
    pub fn pick(&self, given: &str) -> Result<TargetSpec, PickError> {
        if given.contains("://") {
            return TargetSpec::endpoint(given).map_err(PickError::Url);
        }
        if let Some((name, kind)) = BUILT_IN.iter().find(|(name, _)| *name == given) {
            return Ok(TargetSpec::of_kind(*name, *kind));
        }
        if let Some(spec) = self.0.get(given) {
            return Ok(spec.clone());
        }
        let names: Vec<_> = BUILT_IN
            .iter()
            .map(|(name, _)| *name)
            .chain(self.0.keys().map(String::as_str))
            .collect();
        Err(PickError::Unknown {
            name: given.to_owned(),
            meant: super::finding::nearest(given, &names).map(str::to_owned),
            accepted: names.iter().map(|name| format!("`{name}`")).collect(),
        })
    }

    /// The targets that the file declares, in the order of their names.
    pub fn iter(&self) -> impl Iterator<Item = &TargetSpec> {
        self.0.values()
    }
}

/// Reads the text of a `streamgauge.toml`.
///
/// # Errors
/// All that is wrong with it, each with its place.
pub fn load_targets(source: &Source) -> Result<Targets, Problems> {
    let origins: Arc<[Origin]> = Arc::new([Origin {
        path: source.path.clone(),
        text: source.text.clone(),
    }]);
    let root = Node::parse(&source.text)
        .map_err(|findings| Problems::locate(Arc::clone(&origins), None, findings))?;
    let mut findings = check(&json_schema(), &root, "targets file");
    let names = root.get(&["targets"]).into_iter().flat_map(Node::fields);
    for (name, _) in names.filter(|(name, _)| BUILT_IN.iter().any(|(own, _)| own == name)) {
        let title = format!("`{name}` is a target that needs no declaration");
        findings.push(Finding::name(&["targets", name], title).note("accepted: any other name"));
    }
    if findings.is_empty() {
        match serde_json::from_value::<File>(root.to_json()) {
            Ok(file) if file.amazons().next().is_some() => {
                findings.extend(file.amazons().map(|name| {
                    Finding::value(&["targets", name, "url"], AMAZONS)
                        .note("it pins `region` and `account`, so that nothing happens elsewhere")
                }));
            }
            Ok(file) => {
                let specs = file.targets.into_iter();
                let specs = specs.map(|(NameKey(name), target)| (name.clone(), target.spec(name)));
                return Ok(Targets(specs.collect()));
            }
            // The check is meant to find all of this first, and to say it better.
            Err(error) => findings.push(Finding::value::<&str>(&[], error.to_string())),
        }
    }
    Err(Problems::locate(origins, Some(&root), findings))
}

/// The declared structure of the file.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct File {
    /// Places to run against, by name.
    #[serde(default)]
    targets: BTreeMap<NameKey, Declared>,
}

impl File {
    /// The endpoints that are none.
    fn amazons(&self) -> impl Iterator<Item = &str> {
        self.targets
            .iter()
            .filter_map(|(name, target)| match target {
                Declared::Endpoint { url, .. } if is_amazons(&url.value) => Some(name.0.as_str()),
                _ => None,
            })
    }
}

/// One `[targets.NAME]`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
enum Declared {
    /// The engine in this process.
    Embedded {},
    /// A server that speaks Kinesis.
    Endpoint {
        /// Where it is.
        url: UrlText,
        /// The region that requests are signed for.
        region: Option<String>,
        /// The role to take.
        role: Option<RoleText>,
        /// The profile to use.
        profile: Option<String>,
    },
    /// Amazon Kinesis: account and region are pinned, so that a run cannot happen elsewhere by mistake.
    Aws {
        /// The region.
        region: String,
        /// The account that the credentials must belong to.
        account: AccountText,
        /// Another endpoint than the region's public one.
        url: Option<UrlText>,
        /// The role to take.
        role: Option<RoleText>,
        /// The profile to use.
        profile: Option<String>,
        /// The most that a run may cost by its estimate, in USD.
        #[schemars(range(min = 0.0))]
        max_cost: Option<f64>,
    },
}

impl Declared {
    fn spec(self, name: String) -> TargetSpec {
        match self {
            Self::Embedded {} => TargetSpec::of_kind(name, TargetKind::Embedded),
            Self::Endpoint {
                url,
                region,
                role,
                profile,
            } => TargetSpec {
                url: Some(url.value),
                region,
                role: role.map(|role| role.value),
                profile,
                ..TargetSpec::of_kind(name, TargetKind::Endpoint)
            },
            Self::Aws {
                region,
                account,
                url,
                role,
                profile,
                max_cost,
            } => TargetSpec {
                name,
                kind: TargetKind::Aws,
                url: url.map(|url| url.value),
                region: Some(region),
                account: Some(account.value),
                role: role.map(|role| role.value),
                profile,
                max_cost_usd: max_cost,
            },
        }
    }
}

fn json_schema() -> serde_json::Value {
    let mut schema = SchemaSettings::draft2020_12()
        .into_generator()
        .into_root_schema_for::<File>()
        .to_value();
    drop_null(&mut schema);
    schema
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load(text: &str) -> Result<Targets, Problems> {
        load_targets(&Source {
            path: TARGETS_FILE.to_owned(),
            text: text.to_owned(),
        })
    }

    /// Line, column, and all that is said.
    fn problem(text: &str) -> (usize, usize, String) {
        let problems = load(text).unwrap_err();
        let first = problems.iter().next().unwrap();
        let (line, column) = (first.line, first.column);
        (line, column, problems.render(false))
    }

    const FILE: &str = r#"
[targets.local]
kind = "endpoint"
url = "http://127.0.0.1:4567/"

[targets.load-test]
kind = "aws"
region = "eu-central-1"
account = "123456789012"
role = "arn:aws:iam::123456789012:role/load"
profile = "team"
max_cost = 2.5
"#;

    #[test]
    fn a_target_is_picked_by_name_by_url_or_built_in() {
        let targets = load(FILE).unwrap();
        let local = targets.pick("local").unwrap();
        assert_eq!(local.kind, TargetKind::Endpoint);
        assert_eq!(local.url.as_deref(), Some("http://127.0.0.1:4567"));
        let aws = targets.pick("load-test").unwrap();
        assert_eq!(
            aws,
            TargetSpec {
                name: "load-test".to_owned(),
                kind: TargetKind::Aws,
                url: None,
                region: Some("eu-central-1".to_owned()),
                account: Some("123456789012".to_owned()),
                role: Some("arn:aws:iam::123456789012:role/load".to_owned()),
                profile: Some("team".to_owned()),
                max_cost_usd: Some(2.5),
            }
        );
        let url = targets.pick("http://localhost:1").unwrap();
        assert_eq!(
            (url.kind, url.name.as_str()),
            (TargetKind::Endpoint, "http://localhost:1")
        );
        let embedded = Targets::default().pick("embedded").unwrap();
        assert!(embedded.kind.is_in_process() && embedded.url.is_none());
    }

    #[test]
    fn an_unknown_name_is_told_what_there_is_and_what_was_meant() {
        let told = load(FILE).unwrap().pick("locl").unwrap_err().to_string();
        assert!(
            told.contains("`load-test`, `local`") && told.contains("did you mean `local`?"),
            "{told}"
        );
        let told = Targets::default()
            .pick("http://me:pa55@host")
            .unwrap_err()
            .to_string();
        assert!(!told.contains("pa55"), "{told}");
    }

    #[test]
    fn aws_itself_is_no_endpoint_whether_named_by_url_or_declared() {
        for url in [
            "https://kinesis.us-east-1.amazonaws.com",
            "https://Kinesis.cn-north-1.amazonaws.com.cn:443/",
            "https://kinesis.eu-west-1.api.aws",
        ] {
            let told = Targets::default().pick(url).unwrap_err().to_string();
            assert!(told.contains("`kind = \"aws\"`"), "{told}");
            let file = format!("[targets.a]\nkind = \"endpoint\"\nurl = \"{url}\"\n");
            let (line, column, told) = problem(&file);
            assert_eq!((line, column), (3, 7), "{told}");
        }
        for url in ["http://amazonaws.com.example", "http://notamazonaws.com"] {
            assert!(Targets::default().pick(url).is_ok(), "{url}");
        }
    }

    #[test]
    fn mistakes_are_told_with_their_places_and_what_is_accepted() {
        let (line, column, told) =
            problem("[targets.a]\nkind = \"endpoint\"\nurl = \"localhost\"\n");
        assert_eq!((line, column), (3, 7), "{told}");
        let (line, _, told) = problem("[targets.a]\nkind = \"endpoint\"\nurll = \"http://h\"\n");
        assert!(line <= 3 && told.contains("did you mean `url`?"), "{told}");
        let (line, column, told) = problem("[targets.a]\nkind = \"azure\"\n");
        assert_eq!((line, column), (2, 8));
        assert!(
            told.contains("accepted: `embedded`, `endpoint`, `aws`"),
            "{told}"
        );
        let (_, _, told) = problem("[targets.a]\nkind = \"aws\"\nregion = \"us-east-1\"\n");
        assert!(told.contains("`targets.a` needs `account`"), "{told}");
        let (line, _, told) = problem("colour = 1\n");
        assert_eq!(line, 1);
        assert!(
            told.contains("a targets file has no field `colour`"),
            "{told}"
        );
        let (line, _, told) = problem("[targets.embedded]\nkind = \"embedded\"\n");
        assert!(line == 1 && told.contains("needs no declaration"), "{told}");
        let (line, _, _) = problem(
            "[targets.a]\nkind = \"aws\"\nregion = \"r\"\naccount = \"123456789012\"\nmax_cost = -1\n",
        );
        assert_eq!(line, 5);
        assert!(load("[targets").is_err());
    }
}
