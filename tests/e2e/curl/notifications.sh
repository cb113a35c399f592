# `curl -N` reads contract 2's notifications, in the HTTP version that the argument names: what comes while it
# listens, and after `Last-Event-ID` what came meanwhile.
. "$(dirname "$0")/common.sh"
. "$(dirname "$0")/stream.sh"

version=$1
trust=${CA:+--cacert $CA}
stream=/api/notifications/connect
seller=$USER_ID
sellers=$TOKEN
USER_ID=buyer-$seller
buyers=$(token)

open_trade() { # item
	TOKEN=$buyers
	need 201 "$(call $trust "--http$version" --data "{\"sellerId\":\"$seller\"}" "$URL/api/tradechat/$1")" "opening $1"
	TOKEN=$sellers
}

expect() { # number in the inbox
	event sse
	case $data in
	"{\"id\":$1,\"content\":\"buyer-$seller님이 거래 채팅을 시작했습니다.\","*) ;;
	*) fail "not $1 but $data" ;;
	esac
}

TOKEN=$sellers
listen "$stream" $trust "--http$version"
event sse
[ "$data" = connected ] || fail "first: $data"
open_trade one
expect 1
last=$id
hang_up
open_trade two
open_trade three
listen "$stream" $trust "--http$version" --header "Last-Event-ID: $last"
event sse
[ "$data" = connected ] || fail "first: $data"
expect 2
expect 3
hang_up

TOKEN=wrong
need 401 "$(call $trust "--http$version" "$URL$stream")" 'a wrong token'
row "notifications of contract 2, HTTP/$version" 'live, and after `Last-Event-ID` in order'
