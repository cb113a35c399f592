//! Who gets a turn, and when a job is not begun.

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;
use std::task::{Context, Waker};

use madang_domain::ports::StoreError;

use crate::relational::workers::{Turns, Worker, Workers};

struct Idle;

impl Worker for Idle {
    fn recover(&mut self) {}

    fn close(self) {}
}

fn poll<F: Future>(future: std::pin::Pin<&mut F>) -> std::task::Poll<F::Output> {
    future.poll(&mut Context::from_waker(Waker::noop()))
}

#[tokio::test]
async fn so_many_have_a_turn_so_many_wait_and_more_are_refused() {
    let turns = Turns::new(1, 1);
    let first = turns.turn().await.unwrap();
    let mut second = Box::pin(turns.turn());
    assert!(poll(second.as_mut()).is_pending());
    let refused = turns.turn().await;
    assert!(matches!(refused, Err(StoreError::Unavailable(_))));
    drop(second);
    let mut third = pin!(turns.turn());
    assert!(poll(third.as_mut()).is_pending(), "one place is free again");
    drop(first);
    drop(third.await.unwrap());
}

#[tokio::test]
async fn a_job_whose_caller_went_away_is_not_begun() {
    let workers = Workers::readers(vec![Idle]).unwrap();
    let (go_on, busy) = mpsc::channel::<()>();
    let mut first = pin!(workers.ask(move |_| {
        let _ = busy.recv();
        Ok(())
    }));
    assert!(poll(first.as_mut()).is_pending());
    let begun = Arc::new(AtomicBool::new(false));
    let asked = Arc::clone(&begun);
    let mut second = Box::pin(workers.ask(move |_| {
        asked.store(true, Ordering::SeqCst);
        Ok(())
    }));
    assert!(poll(second.as_mut()).is_pending());
    drop(second);
    drop(go_on);
    first.await.unwrap();
    workers.ask(|_| Ok(())).await.unwrap();
    assert!(!begun.load(Ordering::SeqCst));
}
