//! The proxy passes what it is given, and misbehaves as it is told.

#![allow(clippy::unwrap_used, reason = "a test")]

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::{Duration, Instant};

use madang_test_servers::PATIENCE;
use madang_test_servers::proxy::Proxy;

/// A server that says its name to whoever connects, and then everything that it is told.
fn echo(name: u8) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            thread::spawn(move || {
                stream.write_all(&[name])?;
                let mut back = stream.try_clone()?;
                std::io::copy(&mut stream, &mut back)
            });
        }
    });
    address
}

/// A client that has been greeted, and by whom.
fn greeted(proxy: &Proxy) -> (TcpStream, u8) {
    let mut stream = TcpStream::connect(proxy.address()).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let mut name = [0];
    stream.read_exact(&mut name).unwrap();
    (stream, name[0])
}

fn is_echoed(stream: &mut TcpStream, word: &[u8]) -> bool {
    stream.write_all(word).unwrap();
    let mut back = vec![0; word.len()];
    stream.read_exact(&mut back).is_ok() && back == word
}

/// What the client reads from now on, told as it comes.
fn heard(mut stream: TcpStream) -> Receiver<u8> {
    let (told, heard) = channel();
    thread::spawn(move || {
        let mut byte = [0];
        while stream.read_exact(&mut byte).is_ok() {
            let _ = told.send(byte[0]);
        }
    });
    heard
}

#[test]
fn what_is_sent_arrives_and_so_does_the_end() {
    let proxy = Proxy::to(echo(b'a'));
    let (mut stream, _) = greeted(&proxy);
    let long: Vec<u8> = (0..300_000_u32).map(|n| n.to_le_bytes()[0]).collect();
    let mut writer = stream.try_clone().unwrap();
    let sent = long.clone();
    let writing = thread::spawn(move || {
        writer.write_all(&sent).unwrap();
        writer.shutdown(std::net::Shutdown::Write).unwrap();
    });
    let mut back = Vec::new();
    stream.read_to_end(&mut back).unwrap();
    writing.join().unwrap();
    assert!(back == long, "another {} bytes came back", back.len());
}

#[test]
fn connections_that_are_cut_are_reset_and_new_ones_are_taken() {
    let proxy = Proxy::to(echo(b'a'));
    let (mut stream, _) = greeted(&proxy);
    proxy.cut();
    let error = stream.read(&mut [0]).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ConnectionReset);
    assert!(is_echoed(&mut greeted(&proxy).0, b"hello"));
}

#[test]
fn a_proxy_that_refuses_is_not_there_until_it_is_healed() {
    let proxy = Proxy::to(echo(b'a'));
    let (mut stream, _) = greeted(&proxy);
    proxy.refuse();
    assert!(stream.read(&mut [0]).is_err());
    // The listener is closed in the same moment, by another thread.
    let deadline = Instant::now() + PATIENCE;
    while TcpStream::connect(proxy.address()).is_ok() {
        assert!(Instant::now() < deadline, "it still accepts");
    }
    proxy.heal();
    while TcpStream::connect(proxy.address()).is_err() {
        assert!(Instant::now() < deadline, "it does not accept again");
    }
    assert!(is_echoed(&mut greeted(&proxy).0, b"hello"));
}

#[test]
fn nothing_passes_a_stalled_proxy_and_everything_once_it_is_healed() {
    let proxy = Proxy::to(echo(b'a'));
    let other = Proxy::to(echo(b'b'));
    let (mut stream, _) = greeted(&proxy);
    let answers = heard(stream.try_clone().unwrap());
    proxy.stall();
    stream.write_all(b"x").unwrap();
    let silent = TcpStream::connect(proxy.address()).unwrap();
    let greetings = heard(silent);
    // Another connection's whole round trip fits into the silence.
    assert!(is_echoed(&mut greeted(&other).0, b"hello"));
    assert!(answers.try_recv().is_err() && greetings.try_recv().is_err());
    proxy.heal();
    assert_eq!(answers.recv_timeout(PATIENCE), Ok(b'x'));
    assert_eq!(greetings.recv_timeout(PATIENCE), Ok(b'a'));
}

#[test]
fn a_piece_is_held_back_for_as_long_as_it_was_told_each_way() {
    let proxy = Proxy::to(echo(b'a'));
    let (mut stream, _) = greeted(&proxy);
    let delay = Duration::from_millis(50);
    proxy.delay(delay);
    let begin = Instant::now();
    assert!(is_echoed(&mut stream, b"x"));
    assert!(begin.elapsed() >= 2 * delay);
}

#[test]
fn a_balancer_takes_turns_and_passes_over_who_refuses() {
    let gone = {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        listener.local_addr().unwrap()
    };
    let proxy = Proxy::over(vec![echo(b'a'), gone, echo(b'c')]);
    let names: Vec<u8> = (0..6).map(|_| greeted(&proxy).1).collect();
    assert_eq!(names, b"acc".repeat(2));
}

#[test]
fn who_connects_while_no_upstream_is_there_is_reset() {
    let gone = {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        listener.local_addr().unwrap()
    };
    let proxy = Proxy::to(gone);
    let mut stream = TcpStream::connect(proxy.address()).unwrap();
    let error = stream.read(&mut [0]).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ConnectionReset);
}
