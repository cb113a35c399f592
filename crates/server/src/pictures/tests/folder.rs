//! The store on a folder, whom it lets upload, and what it logs.

use std::fs::{self, File};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use madang_domain::{Code, Role};
use parking_lot::Mutex;

use super::fixture::{Fixture, GIF, JPEG, PNG, WEBP, caller};
use crate::config::assemble;
use crate::pictures::{ENVELOPE_BYTES_MAX, PictureStore, UPLOADS, reason};

/// Makes a file so many hours old.
fn age(file: &Path, hours: u64) {
    let then = SystemTime::now() - Duration::from_secs(hours * 60 * 60);
    let file = File::options().write(true).open(file).unwrap();
    file.set_modified(then).unwrap();
}

#[tokio::test]
async fn what_is_no_picture_by_its_head_is_refused_and_nothing_is_stored() {
    let fixture = Fixture::new(&[]);
    let broken: &[&[u8]] = &[
        b"",
        b"<svg xmlns=\"http://www.w3.org/2000/svg\"/>",
        b"<!doctype html><script>alert(1)</script>",
        b"BM\x46\0\0\0\0\0\0\0\x36\0\0\0",
        b"\x89PNG\r\n\x1a\n",
        b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\0\0\0\0\x01\x08\x06\0\0\0",
        b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x01\0\0\0\x01\x03\x06\0\0\0",
        b"\x89PNG\r\n\x1a\n\0\0\0\x0cIHDR\0\0\0\x01\0\0\0\x01\x08\x06\0\0\0",
        b"GIF89a\0\0\x01\0\0\0\0",
        b"GIF88a\x01\0\x01\0\0\0\0",
        b"GIF89a",
        b"\xff\xd8\xff",
        b"\xff\xd8\xff<script>alert(1)</script>",
        b"\xff\xd8\xff\xe0\0\x01",
        b"\xff\xd8\xff\xe0\0\x04\0\0\xff\xd9",
        // A scan before the frame; a frame without a width.
        b"\xff\xd8\xff\xda\0\x08\x01\x01\0\0?\0\xff\xc0\0\x0b\x08\0\x01\0\x01\x01\x01\x11\0",
        b"\xff\xd8\xff\xda\0\x08\x01\x01\0\0?\0",
        b"\xff\xd8\xff\xc0\0\x0b\x08\0\x01\0\0\x01\x01\x11\0",
        b"RIFF\x1a\0\0\0WAVEfmt \x0d\0\0\0/\0\0\0\x10\x07\x10\x11\x11\x88\x88\xfe\x07\0",
        &WEBP[..20],
        &WEBP[..30],
        // Of a file that is longer; of a chunk that is shorter.
        b"RIFF\xff\0\0\0WEBPVP8X\x0a\0\0\0\x10\0\0\0\0\0\0\0\0\0",
        b"RIFF\x16\0\0\0WEBPVP8X\x09\0\0\0\0\0\0\0\0\0\0\0\0\0",
    ];
    for content in broken {
        let refused = fixture.put(content).await;
        let text = String::from_utf8_lossy(content);
        assert_eq!(refused, Err(Code::BodyInvalid), "{text:?}");
    }
    assert!(fixture.objects().await.is_empty());
}

#[tokio::test]
async fn a_picture_has_no_more_bytes_than_it_may() {
    let fixture = Fixture::new(&[("bytes_max", "1024")]);
    let mut content = PNG.to_vec();
    content.resize(1024, 0);
    fixture.put(content.clone().leak()).await.unwrap();
    content.push(0);
    assert_eq!(fixture.put(content.leak()).await, Err(Code::TooLarge));
}

#[tokio::test]
async fn a_sweep_takes_what_is_a_day_old_and_no_room_has_and_nothing_else() {
    let fixture = Fixture::new(&[]);
    // Before the first upload there is no folder yet.
    fixture.sweep(&[]).await;
    let [old, young, used] = [
        fixture.put(PNG).await.unwrap(),
        fixture.put(GIF).await.unwrap(),
        fixture.put(JPEG).await.unwrap(),
    ];
    let torn = fixture.file(format!("{old}#1"));
    let torn_now = fixture.file(format!("{young}#1"));
    let foreign = fixture.file("notes.txt");
    for file in [&torn, &torn_now, &foreign] {
        fs::write(file, "x").unwrap();
    }
    for file in [&fixture.file(old), &fixture.file(used), &torn, &foreign] {
        age(file, 25);
    }
    fixture.sweep(&[used]).await;
    assert_eq!(fixture.content(&old).await, None);
    assert_eq!(fixture.content(&young).await.unwrap(), GIF);
    assert_eq!(fixture.content(&used).await.unwrap(), JPEG);
    let mut left = [
        format!("{UPLOADS}/{used}"),
        format!("{UPLOADS}/{young}"),
        format!("{UPLOADS}/notes.txt"),
    ];
    left.sort();
    assert_eq!(fixture.objects().await, left);
    assert_eq!([torn.exists(), torn_now.exists()], [false, true]);
}

#[tokio::test]
async fn nothing_is_swept_away_while_the_database_does_not_say_what_is_used() {
    let fixture = Fixture::new(&[]);
    let key = fixture.put(PNG).await.unwrap();
    age(&fixture.file(key), 25);
    let fails = async |_: &[Arc<str>]| Err(Code::Unavailable.into());
    fixture.store.sweep(fails).await;
    assert_eq!(fixture.content(&key).await.unwrap(), PNG);
    fixture.sweep(&[]).await;
    assert_eq!(fixture.content(&key).await, None);
}

#[tokio::test]
async fn the_database_is_asked_about_all_of_many_uploads_in_bounded_pieces() {
    let fixture = Fixture::new(&[]);
    let key = fixture.put(PNG).await.unwrap();
    for n in 0..600 {
        let file = fixture.file(format!("{n:032x}.png"));
        fs::hard_link(fixture.file(key), file).unwrap();
    }
    age(&fixture.file(key), 25);
    let pieces = Mutex::new(Vec::new());
    let all_used = async |links: &[Arc<str>]| {
        pieces.lock().push(links.len());
        Ok(vec![true; links.len()])
    };
    fixture.store.sweep(all_used).await;
    assert_eq!(pieces.into_inner(), [256, 256, 89]);
    assert_eq!(fixture.objects().await.len(), 601);
}

#[tokio::test]
async fn a_room_may_take_an_upload_until_an_hour_before_it_may_be_swept_away() {
    let fixture = Fixture::new(&[]);
    let key = fixture.put(PNG).await.unwrap();
    age(&fixture.file(key), 22);
    fixture.store.check_for_taking(&key).await.unwrap();
    age(&fixture.file(key), 23);
    let refused = fixture.store.check_for_taking(&key).await.unwrap_err();
    assert_eq!(refused.code(), Code::BodyInvalid);
    fixture.sweep(&[]).await;
    assert_eq!(fixture.content(&key).await.unwrap(), PNG);
}

#[tokio::test]
async fn so_many_uploads_of_a_person_at_a_time_and_one_that_ends_makes_room() {
    let fixture = Fixture::new(&[]);
    let person = caller(Role::User);
    let [first, _second] = [0, 1].map(|_| fixture.store.begin(&person).unwrap());
    let refused = fixture.store.begin(&person).err().unwrap();
    assert_eq!(refused.code(), Code::TooMany);
    let service = caller(Role::Service);
    let many: Vec<_> = (0..100).map(|_| fixture.store.begin(&service)).collect();
    assert!(many.iter().all(Result::is_ok));
    drop(first);
    assert!(fixture.store.begin(&person).is_ok());
}

#[tokio::test]
async fn uploads_under_way_hold_so_many_bytes_in_all() {
    let fixture = Fixture::new(&[("uploads_max", "1"), ("bytes_max", "1024")]);
    let service = caller(Role::Service);
    let [mut slow, mut other] = [0, 1].map(|_| fixture.store.begin(&service).unwrap());
    slow.hold(1).unwrap();
    // One more than a picture's bytes, and what a form has around it.
    let refused = other.hold(1024 + ENVELOPE_BYTES_MAX).unwrap_err();
    assert_eq!(refused.code(), Code::Overloaded);
    drop(slow);
    other.hold(1024 + ENVELOPE_BYTES_MAX).unwrap();
}

#[tokio::test]
async fn uploads_that_have_come_wait_for_their_turn_to_be_stored() {
    let fixture = Fixture::new(&[("uploads_max", "1")]);
    let puts = futures_util::future::join_all((0..8).map(|_| fixture.put(PNG))).await;
    assert!(puts.iter().all(Result::is_ok));
    assert_eq!(fixture.objects().await.len(), 8);
}

#[tokio::test]
async fn a_person_uploads_so_much_a_day_and_a_back_end_as_much_as_it_wants() {
    let fixture = Fixture::new(&[("per_user_per_day_max", "2")]);
    let person = caller(Role::User);
    assert!((0..2).all(|_| fixture.store.begin(&person).is_ok()));
    let refused = fixture.store.begin(&person).err().unwrap();
    assert_eq!(refused.code(), Code::TooMany);
    let service = caller(Role::Service);
    assert!((0..100).all(|_| fixture.store.begin(&service).is_ok()));
}

#[test]
fn a_folder_that_cannot_be_made_is_told_with_its_path() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("file");
    fs::write(&file, "x").unwrap();
    let place = file.join("pictures").display().to_string();
    let variables = [("MADANG_PICTURES__STORE".to_owned(), place.clone())];
    let config = assemble(None, &variables, &[]).unwrap().config;
    let error = PictureStore::open(&config.pictures, directory.path()).err();
    assert!(error.unwrap().to_string().contains(&place));
}

#[test]
fn what_is_logged_of_a_failure_holds_no_key_and_no_token() {
    let answer = "403 Forbidden: <?xml version=\"1.0\"?><Error><Code>ExpiredToken</Code>\
                  <Token-0>secret</Token-0></Error>";
    let error = object_store::Error::PermissionDenied {
        path: "uploads/key.png".to_owned(),
        source: answer.into(),
    };
    assert_eq!(reason(&error), "403 Forbidden: ExpiredToken");
    let error = object_store::Error::Generic {
        store: "LocalFileSystem",
        source: Box::new(std::io::Error::other("no space left on device")),
    };
    assert_eq!(reason(&error), "no space left on device");
    let page = object_store::Error::Generic {
        store: "S3",
        source: "502 Bad Gateway: <html>".into(),
    };
    assert_eq!(reason(&page), "502 Bad Gateway: ");
}
