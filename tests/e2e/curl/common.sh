# What the scripts share: a token as the host application would sign it, and rows.
set -eu

fail() {
	echo "$*" >&2
	exit 1
}

base64url() {
	openssl base64 -A | tr '+/' '-_' | tr -d '='
}

# A customer's token, good for an hour.
token() {
	claims=$(printf '{"sub":"%s","auth":"ROLE_USER","exp":%s}' "$USER_ID" "$(($(date +%s) + 3600))" | base64url)
	input="$(printf '{"alg":"HS256","typ":"JWT"}' | base64url).$claims"
	printf '%s.%s' "$input" "$(printf %s "$input" | openssl dgst -sha256 -hmac "$KEY" -binary | base64url)"
}

text() { # number
	printf '%s 안녕하세요, ☃ 😀' "$1"
}

TOKEN=$(token)

# All calls answer the body, then the status on a line of its own.
call() { # arguments of curl
	curl --silent --show-error --max-time 30 --write-out '\n%{http_code}\n' \
		--header "Authorization: Bearer $TOKEN" --header 'Content-Type: application/json' "$@"
}

need() { # status, answer, what
	[ "$(printf '%s' "$2" | tail -n 1)" = "$1" ] || fail "$3: $2"
}

open_room() { # arguments of curl
	need 201 "$(call "$@" --data '{"kind":"support"}' "$URL/api/v1/rooms")" 'opening the room'
}

row() { # transport, result
	version=$(curl --version | sed -n '1s/^curl \([^ ]*\).*/\1/p')
	echo "curl | $version | $1 | $2"
}
