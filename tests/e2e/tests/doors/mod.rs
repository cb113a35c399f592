//! One behaviour at every door: each scenario is written once and run on every transport, and
//! what is wrong or slow is met with the same patience everywhere.

mod fixture;
mod half_open;
mod scenarios;
mod table;
mod wrong_way;

use madang_e2e::doors::{Door, list};

fn run(name: &str, scenario: fn(&Door)) {
    scenario(list::named(name));
}

/// A module of tests for each door: the cells of the table.
macro_rules! doors {
    ($($door:ident)*) => {
        /// The doors that have tests.
        const TESTED: &[&str] = &[$(stringify!($door),)*];

        $(mod $door {
            use super::{run, scenarios};

            #[test]
            fn connects() {
                run(stringify!($door), scenarios::connects);
            }

            #[test]
            fn refuses_those_who_may_not() {
                run(stringify!($door), scenarios::refuses);
            }

            #[test]
            fn accepted_is_durable() {
                run(stringify!($door), scenarios::accepts_durably);
            }

            #[test]
            fn receives_in_order() {
                run(stringify!($door), scenarios::receives_in_order);
            }

            #[test]
            fn resumes() {
                run(stringify!($door), scenarios::resumes);
            }

            #[test]
            fn slow_reader_slows_only_itself() {
                run(stringify!($door), scenarios::slow_reader);
            }

            #[test]
            fn keeps_its_limits() {
                run(stringify!($door), scenarios::keeps_limits);
            }

            #[test]
            fn drains() {
                run(stringify!($door), scenarios::drains);
            }
        })*
    };
}

doors! {
    stomp_over_websocket
    stomp_where_contract_2_has_it
    stomp_over_sockjs_websocket
    stomp_over_sockjs_xhr_streaming
    stomp_over_sockjs_xhr_polling
    stomp_over_sockjs_eventsource
    stomp_over_sockjs_htmlfile
    stomp_over_sockjs_jsonp
    stomp_over_tcp
    stomp_over_websocket_tls
    stomp_over_tcp_tls
    json_over_websocket
    json_over_websocket_tls
    sse_of_all_rooms
    sse_of_one_room
    sse_over_tls
}
