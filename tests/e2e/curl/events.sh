# `curl -N` reads server-sent events: what is sent while it listens, and after `Last-Event-ID`.
. "$(dirname "$0")/common.sh"

folder=$(mktemp -d)
listener=
trap '[ -z "$listener" ] || kill "$listener" 2>/dev/null || true; rm -r "$folder"' EXIT
mkfifo "$folder/stream"

say() { # number
	body="{\"clientId\":\"$1\",\"text\":\"$(text "$1")\"}"
	need 201 "$(call --data "$body" "$URL/api/v1/rooms/$USER_ID/messages")" "sending $1"
}

listen() { # arguments of curl
	curl --no-buffer --silent --show-error --fail --max-time 30 --header "Authorization: Bearer $TOKEN" \
		--header 'Accept: text/event-stream' "$@" "$URL/api/v1/events" >"$folder/stream" &
	listener=$!
	exec 3<"$folder/stream"
}

hang_up() {
	exec 3<&-
	kill "$listener" 2>/dev/null || true
	wait "$listener" || true
	listener=
}

# Reads events until one of this type ended; leaves its data and id.
event() { # type
	type=message data= id=
	while IFS= read -r line <&3; do
		case $line in
		event:*) type=${line#event:} type=${type# } ;;
		data:*) data=${line#data:} data=${data# } ;;
		id:*) id=${line#id:} id=${id# } ;;
		'')
			# An event without data is none (HTML, "dispatch the event").
			[ "$type" != "$1" ] || [ -z "$data" ] || return 0
			type=message data= id=
			;;
		esac
	done
	fail "the stream ended before an event $1"
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
listen
event hello
say 1
expect 1
last=$id
hang_up
for number in $(seq 2 49); do say "$number"; done
listen --header "Last-Event-ID: $last"
for number in $(seq 2 49); do expect "$number"; done
hang_up

TOKEN=wrong
need 401 "$(call "$URL/api/v1/events")" 'a wrong token'
row 'server-sent events' 'live, and after `Last-Event-ID` in order'
