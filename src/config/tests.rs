use super::*;

fn with(environment: &[(&str, &str)]) -> Result<Effective, ConfigError> {
    let nowhere = Flags { data: Some("no-such-folder".into()), ..Flags::default() };
    load(&nowhere, environment.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())))
}

fn refusal(environment: &[(&str, &str)]) -> String {
    let line = with(environment).unwrap_err().to_string();
    assert_eq!(line.lines().count(), 1, "{line}");
    line
}

fn from_file(text: &str) -> Result<Effective, String> {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("apricot.toml"), text).unwrap();
    let flags = Flags { data: Some(folder.path().to_owned()), ..Flags::default() };
    load(&flags, []).map_err(|error| error.to_string().replace(&folder.path().display().to_string(), "data"))
}

#[test]
fn the_default_file_is_the_default_struct() {
    let written: toml::Table = DEFAULT_TOML.parse().unwrap();
    assert_eq!(written, toml::Table::try_from(Config::default()).unwrap());
}

#[test]
fn every_key_of_the_default_file_has_a_comment() {
    let mut before = "";
    for line in DEFAULT_TOML.lines() {
        let key = line.trim_start_matches('#').split_once(" = ");
        if key.is_some_and(|(name, _)| !name.contains(' ')) {
            assert!(before.starts_with("# "), "{line} has no comment above it");
        }
        before = line;
    }
}

#[test]
fn the_file_for_load_tests_is_valid() {
    let flags = Flags { config: Some("config/load.toml".into()), ..Flags::default() };
    load(&flags, []).unwrap();
}

#[test]
fn later_sources_win_and_are_named() {
    let effective = with(&[("APRICOT_SALE__HOLD_SECONDS", "90"), ("APRICOT_LISTEN", "0.0.0.0:80")]).unwrap();
    assert_eq!(effective.config.sale.hold_seconds, 90);
    assert_eq!(effective.config.listen, "0.0.0.0:80".parse().unwrap());
    assert_eq!(effective.origin("data"), Origin::Flag("--data"));
    let printed = effective.to_string();
    assert!(printed.contains("hold_seconds = 90 # environment APRICOT_SALE__HOLD_SECONDS"), "{printed}");
    assert!(printed.contains("offer_seconds = 60 # default"), "{printed}");
    assert_eq!(toml::from_str::<Config>(&printed).unwrap(), effective.config);
}

#[test]
fn a_file_in_the_data_folder_is_read() {
    let effective = from_file("drain_seconds = 3\n[commission]\ntea = 20000\n").unwrap();
    assert_eq!(effective.config.drain_seconds, 3);
    assert_eq!(effective.config.commission["tea"], 20_000);
    assert_eq!(effective.config.commission["farm"], 0);
}

#[test]
fn a_wrong_name_is_refused_with_the_nearest() {
    assert_eq!(
        refusal(&[("APRICOT_SALE__HOLD_SECOND", "90")]),
        "APRICOT_SALE__HOLD_SECOND in the environment is not a key; did you mean APRICOT_SALE__HOLD_SECONDS? \
         Unset it or correct the name"
    );
    assert_eq!(
        from_file("[limits]\nviewers_per_rom = 1\n").unwrap_err(),
        "limits.viewers_per_rom (from data/apricot.toml) is not a key; did you mean limits.viewers_per_room? \
         `apricot config` lists all keys"
    );
}

#[test]
fn a_value_out_of_its_bound_is_refused_with_both() {
    assert_eq!(
        refusal(&[("APRICOT_SALE__HOLD_SECONDS", "5")]),
        "sale.hold_seconds = 5 (from environment APRICOT_SALE__HOLD_SECONDS) must be 10..=3600; correct it there"
    );
    for (name, value) in [
        ("APRICOT_LIMITS__VIEWERS_PER_ROOM", "0"),
        ("APRICOT_COMMISSION__FARM", "1000001"),
        ("APRICOT_ALLOWED_ORIGINS", "[\"*\"]"),
        ("APRICOT_LOG__FILTER", "apricot=loud"),
    ] {
        assert!(refusal(&[(name, value)]).contains("must be"), "{name}={value}");
    }
}

#[test]
fn a_value_of_the_wrong_shape_is_refused_with_its_key() {
    let line = refusal(&[("APRICOT_DRAIN_SECONDS", "soon")]);
    assert!(line.starts_with("drain_seconds (from environment APRICOT_DRAIN_SECONDS)"), "{line}");
    let line = from_file("listen = \"everywhere\"\n").unwrap_err();
    assert!(line.starts_with("listen (from data/apricot.toml)"), "{line}");
    let line = from_file("a = 1\n = 2\n").unwrap_err();
    assert!(line.starts_with("data/apricot.toml: line 2"), "{line}");
}

#[test]
fn tls_needs_both_files() {
    let tls = from_file("[tls]\ncertificate = \"a.pem\"\nkey = \"b.pem\"\n").unwrap().config.tls.unwrap();
    assert_eq!((tls.certificate, tls.key), ("a.pem".into(), "b.pem".into()));
    assert_eq!(
        from_file("[tls]\ncertificate = \"a.pem\"\n").unwrap_err(),
        "tls (from data/apricot.toml): missing field `key` in `tls`; config/default.toml shows the shape"
    );
    let line = refusal(&[("APRICOT_TLS__KEY", "b.pem")]);
    assert!(
        line.starts_with("tls (from environment APRICOT_TLS__KEY): missing field `certificate`"),
        "{line}"
    );
    let line = refusal(&[("APRICOT_TLS__KEY", ""), ("APRICOT_TLS__CERTIFICATE", "a.pem")]);
    assert!(line.starts_with("tls.key = \"\" (from environment APRICOT_TLS__KEY) must be a file"), "{line}");
}

#[test]
fn an_identity_provider_needs_all_three_keys() {
    let line = from_file("[jwks]\nsource = \"keys.json\"\n").unwrap_err();
    assert!(line.contains("issuer"), "{line}");
    let line = from_file("[jwks]\nsource = \"https://a/b\"\nissuer = \"a\"\naudience = \"b\"\n").unwrap_err();
    assert!(line.contains("no TLS client"), "{line}");
}
