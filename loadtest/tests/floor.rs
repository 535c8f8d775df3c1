//! The crowd, the floor and the figures between them, as processes.

use std::process::Command;

use serde_json::Value;

fn watch(options: &[&str]) -> Value {
    let output = Command::new(env!("CARGO_BIN_EXE_loadtest"))
        .args(["watch", "--viewers", "20", "--seconds", "1", "--json"])
        .args(options)
        .output()
        .expect("loadtest runs");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {said}"))
}

#[test]
fn every_viewer_of_the_floor_hears_everything() {
    let found = watch(&["--spawn", "floor", "--chat-rate", "50", "--critical-rate", "20", "--seed", "7"]);
    for lane in ["critical", "chat"] {
        let lane = &found["lanes"][lane];
        assert!(lane["sent"].as_u64().unwrap() > 0, "{lane}");
        assert_eq!(lane["delivered"], lane["expected"], "{lane}");
        assert!(lane["p50_ms"].as_f64().unwrap() > 0.0 && lane["max_ms"].is_number(), "{lane}");
    }
    for key in ["lost", "skipped", "repeated", "unsent"] {
        assert_eq!(found[key], 0, "{key}");
    }
    assert!(found["joins_per_s"].as_f64().unwrap() > 0.0);
}

#[test]
fn a_closed_loop_keeps_both_baselines_busy() {
    for kind in ["floor", "broadcast"] {
        let found = watch(&["--spawn", kind, "--in-flight", "8"]);
        assert!(found["deliveries_per_s"].as_f64().unwrap() > 1_000.0, "{kind}: {found}");
        assert!(found["cpu_us_per_delivery"].as_f64().unwrap() > 0.0, "{kind}: {found}");
        // 128 bytes and the head of a frame.
        assert_eq!(found["wire_bytes_per_delivery"], 132.0, "{kind}: {found}");
        for key in ["lost", "repeated", "stalls"] {
            assert_eq!(found[key], 0, "{kind}: {key}");
        }
    }
}
