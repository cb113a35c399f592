//! F: how octets become frames.

use super::{Bench, SINCE_1_1, VERSIONS};
use crate::shared::{self, LOGIN, PASSCODE, send_frame};
use madang_e2e::stomp::Stomp;

#[test]
fn f1_a_line_may_end_in_cr_lf() {
    let server = shared::server();
    let topic = shared::fresh_topic();
    let mut peer = Stomp::open(server.address());
    peer.send(format!(
        "CONNECT\r\naccept-version:1.2\r\nhost:x\r\nlogin:{LOGIN}\r\npasscode:{PASSCODE}\r\n\r\n\0"
    ));
    assert_eq!(peer.expect("CONNECTED").need("version"), "1.2");
    peer.send(format!(
        "SUBSCRIBE\r\nid:s1\r\ndestination:{topic}\r\nreceipt:sub-r\r\n\r\n\0"
    ));
    peer.receipt("sub-r");
    peer.send(format!("SEND\r\ndestination:{topic}\r\n\r\nx\0"));
    assert_eq!(peer.message().need("destination"), topic);
}

#[test]
fn f2_eols_may_follow_the_nul_of_a_frame() {
    for version in VERSIONS {
        let mut bench = Bench::subscribed(version);
        let eol = if version == "1.2" { "\r\n" } else { "\n" };
        let (one, two) = (send_frame("D", "", "1"), send_frame("D", "", "2"));
        bench.probe(&format!("\n\n{eol}{one}\n{eol}\n{two}\n"));
        assert_eq!(bench.peer.message().text(), "1");
        assert_eq!(bench.peer.message().text(), "2");
    }
}

#[test]
fn f3_a_frame_may_come_one_octet_at_a_time() {
    for version in VERSIONS {
        let mut bench = Bench::subscribed(version);
        for octet in send_frame(&bench.topic, "", "slow").as_bytes() {
            bench.peer.send([*octet]);
        }
        assert_eq!(bench.peer.message().text(), "slow");
    }
}

#[test]
fn f4_many_frames_may_come_in_one_write() {
    for version in VERSIONS {
        let mut bench = Bench::subscribed(version);
        let frames: String = (0..50)
            .map(|i| send_frame(&bench.topic, "", &i.to_string()))
            .collect();
        bench.peer.send(frames);
        for i in 0..50 {
            assert_eq!(bench.peer.message().text(), i.to_string());
        }
    }
}

#[test]
fn f5_content_length_octets_are_read_whatever_nuls_they_hold() {
    for version in VERSIONS {
        let mut bench = Bench::subscribed(version);
        bench.probe("SEND\ndestination:D\ncontent-length:6\n\na\0b\0\0c\0");
        assert_eq!(bench.peer.message().body, b"a\0b\0\0c");
    }
}

#[test]
fn f6_a_body_with_a_nul_goes_out_with_content_length() {
    for version in SINCE_1_1 {
        let mut bench = Bench::subscribed(version);
        bench.probe("SEND\ndestination:D\ncontent-length:3\n\na\0b\0");
        assert_eq!(bench.peer.message().get("content-length"), Some("3"));
    }
}

#[test]
fn f7_a_body_may_hold_every_octet() {
    for version in VERSIONS {
        let mut bench = Bench::subscribed(version);
        let body: Vec<u8> = (0..=255).collect();
        let probe = format!("SEND\ndestination:{}\ncontent-length:256\n\n", bench.topic);
        bench.peer.send([probe.as_bytes(), &body, b"\0"].concat());
        assert_eq!(bench.peer.message().body, body);
    }
}

#[test]
fn f8_without_content_length_the_body_ends_at_the_first_nul() {
    for version in VERSIONS {
        let mut bench = Bench::subscribed(version);
        for body in ["", "\n\n", "\r\nx\n"] {
            bench.probe(&send_frame("D", "", body));
            assert_eq!(bench.peer.message().text(), body);
        }
    }
}

#[test]
fn f9_a_body_that_does_not_end_where_content_length_says_is_refused() {
    for version in VERSIONS {
        let mut bench = Bench::subscribed(version);
        bench.probe("SEND\ndestination:D\ncontent-length:1\n\nxyz\0");
        bench.peer.refused();
    }
}

#[test]
fn f10_a_content_length_that_is_no_octet_count_is_refused() {
    for version in VERSIONS {
        for length in ["-1", "abc"] {
            let mut bench = Bench::subscribed(version);
            bench.probe(&format!(
                "SEND\ndestination:D\ncontent-length:{length}\n\nx\0"
            ));
            bench.peer.refused();
        }
    }
}

#[test]
fn f11_a_header_line_without_colon_is_refused() {
    for version in VERSIONS {
        let mut bench = Bench::subscribed(version);
        bench.probe("SEND\ndestination:D\nnocolon\n\nx\0");
        bench.peer.refused();
    }
}

#[test]
fn f12_commands_and_header_names_are_case_sensitive() {
    for probe in ["send\ndestination:D\n\nx\0", "SEND\nDestination:D\n\nx\0"] {
        let mut bench = Bench::subscribed("1.2");
        bench.probe(probe);
        bench.peer.refused();
    }
}

#[test]
fn f13_a_body_on_subscribe_is_refused_and_in_1_0_ignored() {
    for version in SINCE_1_1 {
        let mut bench = Bench::new(version);
        bench.probe("SUBSCRIBE\nid:s1\ndestination:D\nreceipt:r\n\nbody\0");
        bench.peer.refused();
    }
    let mut bench = Bench::new("1.0");
    bench.probe("SUBSCRIBE\nid:s1\ndestination:D\nreceipt:r\n\nbody\0");
    bench.peer.receipt("r");
}
