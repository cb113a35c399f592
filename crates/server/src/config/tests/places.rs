//! The URLs of the store, the bus and presence.

use super::*;

/// As configurations and faults show it.
fn shown_of_bus(url: &str) -> String {
    let spec = all_options().find(|spec| spec.path() == "bus.url");
    shown(spec.unwrap(), &Value::String(url.to_owned()))
}

#[test]
fn the_password_in_a_url_is_never_shown() {
    let url = "redis+cluster://kim:correct-horse@10.0.0.1:6379,10.0.0.2:6379";
    let given = environment(&[("MADANG_BUS__URL", url)]).unwrap();
    assert_eq!(given.config.bus.url, url);
    let shown = documents::effective(&given.settings);
    assert!(!shown.contains("correct-horse"), "{shown}");
    assert!(shown.contains("kim:"), "{shown}");
    assert!(shown.contains("@10.0.0.1:6379,10.0.0.2:6379"), "{shown}");
    for url in [
        "postgres://h/d?user=kim&password=correct-horse&sslmode=require",
        "postgres//kim:correct-horse@h/d",
        "kim:correct-horse@h/d",
    ] {
        let given = shown_of_bus(url);
        assert!(!given.contains("correct-horse"), "{given}");
    }
}

#[test]
fn presence_is_kept_where_it_says_else_where_all_nodes_have_it_else_here() {
    let (redis, nats) = ("redis+cluster://10.0.0.1:6379", "nats://10.0.0.1");
    let (sqlite, postgres) = ("sqlite:", "postgres://10.0.0.3/madang");
    for (store, bus, presence, kept, to_itself) in [
        (sqlite, "local:", "", "local:", false),
        (sqlite, redis, "", redis, false),
        (sqlite, redis, "local:", "local:", true),
        (
            sqlite,
            redis,
            "rediss://10.0.0.2",
            "rediss://10.0.0.2",
            false,
        ),
        (sqlite, nats, "", "local:", true),
        (sqlite, nats, "redis://10.0.0.2", "redis://10.0.0.2", false),
        (postgres, "local:", "", "local:", false),
        (postgres, redis, "", redis, false),
        (postgres, redis, "store:", "store:", false),
        (postgres, nats, "", "store:", false),
        (postgres, nats, "local:", "local:", true),
        ("mysql://10.0.0.3/madang", nats, "", "store:", false),
    ] {
        let given = [
            ("MADANG_STORE__URL", store),
            ("MADANG_BUS__URL", bus),
            ("MADANG_PRESENCE__URL", presence),
        ];
        let config = environment(&given).unwrap().config;
        assert_eq!(config.presence_url(), kept, "{given:?}");
        assert_eq!(config.keeps_presence_to_itself(), to_itself, "{given:?}");
    }
}

#[test]
fn what_is_no_place_for_presence_is_a_fault_that_keeps_its_password() {
    for (url, reason) in [
        ("store:", "only where store.url names a database server"),
        ("store:madang", "that begin with \"store:\""),
        (
            "nats://kim:correct-horse@10.0.0.1",
            "that begin with \"nats:\"",
        ),
        (
            "redis+sentinel://kim:correct-horse@10.0.0.1",
            "the name of what they watch",
        ),
    ] {
        let fault = only_fault(environment(&[("MADANG_PRESENCE__URL", url)]));
        assert_eq!(fault.option, "presence.url");
        let told = fault.to_string();
        assert!(told.contains(reason), "{told}");
        assert!(!told.contains("correct-horse"), "{told}");
    }
}

#[test]
fn what_is_no_bus_is_a_fault_that_keeps_its_password() {
    let url = "kafka://kim:correct-horse@10.0.0.1";
    let fault = only_fault(environment(&[("MADANG_BUS__URL", url)]));
    assert_eq!(fault.option, "bus.url");
    let told = fault.to_string();
    assert!(
        told.contains("no bus has URLs that begin with \"kafka:\""),
        "{told}"
    );
    assert!(!told.contains("correct-horse"), "{told}");
    let fault = only_fault(environment(&[("MADANG_BUS__PREFIX", "a.b")]));
    assert_eq!(fault.option, "bus.prefix");
}
