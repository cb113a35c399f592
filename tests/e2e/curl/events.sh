# `curl -N` reads server-sent events: what is sent while it listens, and after `Last-Event-ID`.
. "$(dirname "$0")/common.sh"

. "$(dirname "$0")/stream.sh"

say() { # number
	body="{\"clientId\":\"$1\",\"text\":\"$(text "$1")\"}"
	need 201 "$(call --data "$body" "$URL/api/v1/rooms/$USER_ID/messages")" "sending $1"
}

expect() { # number
	event message
	case $data in
	*"\"text\":\"$(text "$1")\""*) ;;
	*) fail "not $1 but $data" ;;
	esac
}

open_room
say 0
listen /api/v1/events
event hello
say 1
expect 1
last=$id
hang_up
for number in $(seq 2 49); do say "$number"; done
listen /api/v1/events --header "Last-Event-ID: $last"
for number in $(seq 2 49); do expect "$number"; done
hang_up

TOKEN=wrong
need 401 "$(call "$URL/api/v1/events")" 'a wrong token'
row 'server-sent events' 'live, and after `Last-Event-ID` in order'
