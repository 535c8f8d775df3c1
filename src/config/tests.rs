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
fn the_sections_for_many_nodes_are_as_the_default_file_shows_them() {
    let shown: String = DEFAULT_TOML
        .split("\n\n")
        .filter(|section| section.contains("#[postgres]") || section.contains("#[redis]"))
        .flat_map(|section| section.lines().filter(|line| line.starts_with('#') && !line.starts_with("# ")))
        .filter(|line| !line.starts_with("#password = ") && !line.starts_with("#master"))
        .map(|line| format!("{}\n", &line[1..]))
        .collect();
    let Config { postgres, redis, .. } = from_file(&shown).unwrap().config;
    let (postgres, redis) = (postgres.unwrap(), redis.unwrap());
    let defaults = from_file("[postgres]\nurl = \"postgresql://db\"\n[redis]\nurls = [\"redis://cache\"]\n")
        .unwrap()
        .config;
    assert_eq!(postgres.connections, defaults.postgres.unwrap().connections);
    assert_eq!(redis.mode, defaults.redis.unwrap().mode);
    assert_eq!(redis.urls, ["redis://cache.example:6379"]);
    assert_eq!(postgres.password_file, Some("/run/secrets/postgres-password".into()));
}

#[test]
fn the_example_of_many_nodes_is_valid() {
    let flags = Flags { config: Some("config/scale-out.toml".into()), ..Flags::default() };
    let Config { node, postgres, redis, provider, .. } = load(&flags, []).unwrap().config;
    assert!(node.keys.is_some() && postgres.is_some() && redis.is_some() && provider.url.is_some());
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

const RECORD: (&str, &str) = ("APRICOT_POSTGRES__URL", "postgresql://apricot@db/apricot");
const GATE: (&str, &str) = ("APRICOT_REDIS__URLS", "[\"redis://cache\"]");

#[test]
fn the_record_and_the_gate_come_together() {
    let config = with(&[RECORD, GATE]).unwrap().config;
    assert_eq!(config.redis.unwrap().urls, ["redis://cache"]);
    let alone = "[postgres] (from environment APRICOT_POSTGRES__URL) is given without [redis]";
    assert!(refusal(&[RECORD]).starts_with(alone));
    let alone = "[redis] (from environment APRICOT_REDIS__URLS) is given without [postgres]";
    assert!(refusal(&[GATE]).starts_with(alone));
    let line = refusal(&[GATE, ("APRICOT_POSTGRES__CONNECTIONS", "4")]);
    assert!(
        line.starts_with("postgres (from environment APRICOT_POSTGRES__CONNECTIONS): missing field `url`"),
        "{line}"
    );
}

#[test]
fn stores_out_of_their_bounds_are_refused() {
    for (name, value, says) in [
        ("POSTGRES__URL", "mysql://apricot@db/apricot", "postgresql://user@host"),
        ("POSTGRES__URL", "postgresql://", "postgresql://user@host"),
        ("POSTGRES__CONNECTIONS", "0", "must be 1..=200"),
        ("POSTGRES__CONNECTIONS", "201", "must be 1..=200"),
        ("POSTGRES__CONNECTIONS", "many", "not a TOML value"),
        ("POSTGRES__PASSWORD", "", "or not empty"),
        ("REDIS__MODE", "ring", "unknown variant `ring`"),
        ("REDIS__URLS", "[]", "one address"),
        ("REDIS__URLS", "[\"redis://a\", \"redis://b\"]", "one address"),
        ("REDIS__URLS", "[\"http://a\"]", "redis://host:port"),
        ("REDIS__URLS", "[\"redis://a/shop\"]", "redis://host:port"),
        ("REDIS__MODE", "sentinel", "the name that the sentinels give"),
        ("REDIS__MASTER", "apricot", "with mode \"sentinel\" and no other"),
        ("REDIS__USER", "", "1..=128 bytes"),
        ("NODE__NAME", "Shop 1", "1..=40 of a-z"),
        ("NODE__NAME", "", "1..=40 of a-z"),
        ("NODE__KEYS", "", "a folder"),
        ("PROVIDER__URL", "https://pay.example", "no TLS client"),
        ("PROVIDER__URL", "http://pay.example/v1", "without user, password and path"),
    ] {
        let line = refusal(&[RECORD, GATE, (&format!("APRICOT_{name}"), value)]);
        assert!(line.contains(says), "{name}={value}: {line}");
    }
    let cluster =
        |urls| refusal(&[RECORD, ("APRICOT_REDIS__MODE", "cluster"), ("APRICOT_REDIS__URLS", urls)]);
    assert!(cluster("[\"redis://a\", \"rediss://b\"]").contains("all rediss://"));
    assert!(cluster("[\"redis://a/1\"]").contains("has but one"));
}

#[test]
fn passwords_are_not_shown_anywhere() {
    let given = [RECORD, GATE, ("APRICOT_POSTGRES__PASSWORD", "pear"), ("APRICOT_REDIS__PASSWORD", "pear")];
    let effective = with(&given).unwrap();
    let secret = effective.config.postgres.as_ref().unwrap().secret().unwrap().unwrap();
    assert_eq!(secret.expose(), "pear");
    let printed = effective.to_string();
    assert!(printed.contains("#password = \"…\" # environment APRICOT_POSTGRES__PASSWORD"), "{printed}");
    for shown in [printed, format!("{effective:?}")] {
        assert!(!shown.contains("pear"), "{shown}");
    }
    for (name, value) in [
        ("APRICOT_POSTGRES__URL", "postgresql://apricot:pear@db/apricot"),
        ("APRICOT_POSTGRES__URL", "postgresql://db/apricot?password=pear"),
        ("APRICOT_POSTGRES__URL", "pear"),
        ("APRICOT_REDIS__URLS", "[\"redis://:pear@cache\"]"),
        ("APRICOT_REDIS__URLS", "redis://:pear@cache"),
        ("APRICOT_REDIS__URLS", "\"redis://:pear@cache\""),
        ("APRICOT_PROVIDER__URL", "http://a:pear@pay.example"),
    ] {
        let line = refusal(&[RECORD, GATE, (name, value)]);
        assert!(!line.contains("pear"), "{line}");
    }
    let line = from_file("[postgres]\nurl = \"postgresql://db\"\npassword = 123456\n").unwrap_err();
    assert_eq!(
        line,
        "postgres.password (from data/apricot.toml): another type of value, expected a string in `postgres.password`; config/default.toml \
         shows the shape"
    );
}

#[test]
fn a_password_may_be_in_a_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("password");
    let file = ("APRICOT_POSTGRES__PASSWORD_FILE", path.to_str().unwrap());
    let secret = || with(&[RECORD, GATE, file]).unwrap().config.postgres.unwrap().secret();
    assert!(
        secret().unwrap_err().to_string().contains("correct the file, or the path in postgres.password_file")
    );
    for (text, password) in
        [("pear\n", Some("pear")), ("two words", Some("two words")), ("\n", None), ("", None)]
    {
        std::fs::write(&path, text).unwrap();
        let read = secret().ok().flatten();
        assert_eq!(read.as_ref().map(Secret::expose), password, "{text:?}");
    }
    std::fs::write(&path, "a".repeat(5_000)).unwrap();
    assert!(secret().is_err());
    let both = refusal(&[RECORD, GATE, file, ("APRICOT_POSTGRES__PASSWORD", "pear")]);
    assert!(both.contains("must be left out when postgres.password is given"), "{both}");
}
