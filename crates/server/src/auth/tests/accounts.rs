use madang_domain::{Caller, Code, Error, Role};

use super::{authenticator, code, config};
use crate::auth::{Authenticator, accounts};

#[tokio::test]
async fn an_account_opens_with_its_passcode_only() {
    let dir = tempfile::tempdir().unwrap();
    let ours = Authenticator::from_config(&config(dir.path(), &[])).unwrap();
    let refused = |result: Result<Caller, Error>| result.unwrap_err();
    let unknown = refused(ours.account("back-end", "a passcode").await);
    assert_eq!(unknown.code(), Code::CredentialsInvalid);

    accounts::save(dir.path(), "back-end", "a passcode").unwrap();
    for _ in 0..2 {
        let caller = ours.account("back-end", "a passcode").await.unwrap();
        assert_eq!(
            (caller.user.as_str(), caller.role),
            ("back-end", Role::Service)
        );
        assert_eq!(caller.expires_at, None);
        assert_eq!(
            refused(ours.account("back-end", "A passcode").await),
            unknown
        );
    }
    let long = "x".repeat(accounts::PASSCODE_BYTES_MAX + 1);
    for (login, passcode) in [
        ("", ""),
        ("back-end", ""),
        ("back-end", &long),
        ("x", "a passcode"),
    ] {
        assert_eq!(refused(ours.account(login, passcode).await), unknown);
    }

    accounts::save(dir.path(), "back-end", "another passcode").unwrap();
    assert_eq!(
        refused(ours.account("back-end", "a passcode").await),
        unknown
    );
    assert!(ours.account("back-end", "another passcode").await.is_ok());
}

#[tokio::test]
async fn a_login_that_was_right_is_not_hashed_again_and_a_wrong_one_always_is() {
    let dir = tempfile::tempdir().unwrap();
    accounts::save(dir.path(), "back-end", "a passcode").unwrap();
    let ours = Authenticator::from_config(&config(dir.path(), &[])).unwrap();
    ours.account("back-end", "a passcode").await.unwrap();
    ours.0.checks.close();
    assert!(ours.account("back-end", "a passcode").await.is_ok());
    for (login, passcode) in [("back-end", "wrong passcode"), ("nobody", "a passcode")] {
        assert_eq!(
            code(ours.account(login, passcode).await),
            Code::Internal,
            "went to the check"
        );
    }
}

#[tokio::test]
async fn more_waiting_logins_than_the_limit_are_told_to_come_again() {
    let dir = tempfile::tempdir().unwrap();
    accounts::save(dir.path(), "a", "another passcode").unwrap();
    let ours = Authenticator::from_config(&config(dir.path(), &[])).unwrap();
    let _all = ours.0.checks_waiting.try_acquire_many(256).unwrap();
    assert_eq!(
        code(ours.account("a", "a passcode").await),
        Code::Overloaded
    );
}

#[tokio::test]
async fn without_any_account_a_login_costs_no_check() {
    let ours = authenticator(&[]);
    let _all = ours.0.checks_waiting.try_acquire_many(256).unwrap();
    assert_eq!(
        code(ours.account("a", "a passcode").await),
        Code::CredentialsInvalid
    );
}
