# Event streams: one listener at a time, read line by line.
folder=$(mktemp -d)
listener=
trap '[ -z "$listener" ] || kill "$listener" 2>/dev/null || true; rm -r "$folder"' EXIT
mkfifo "$folder/stream"

listen() { # path, arguments of curl
	path=$1
	shift
	curl --no-buffer --silent --show-error --fail --max-time 30 --header "Authorization: Bearer $TOKEN" \
		--header 'Accept: text/event-stream' "$@" "$URL$path" >"$folder/stream" &
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
