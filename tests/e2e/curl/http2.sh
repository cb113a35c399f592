# curl over TLS: HTTP/2 where both speak it, HTTP/1.1 where the client asks for it.
. "$(dirname "$0")/common.sh"

version_of() { # arguments of curl
	curl --silent --show-error --max-time 30 --cacert "$CA" --output /dev/null --write-out '%{http_version} %{http_code}' \
		"$@" "$URL/readyz"
}

[ "$(version_of --http2)" = '2 200' ] || fail "HTTP/2: $(version_of --http2)"
[ "$(version_of --http1.1)" = '1.1 200' ] || fail "HTTP/1.1: $(version_of --http1.1)"
open_room --http2 --cacert "$CA"
messages="$URL/api/v1/rooms/$USER_ID/messages"
need 201 "$(call --http2 --cacert "$CA" --data "{\"text\":\"$(text 0)\"}" "$messages")" 'sending'
answer=$(call --http2 --cacert "$CA" "$messages")
need 200 "$answer" 'reading'
[ "$(printf '%s' "$answer" | grep -o '"text":"[^"]*"')" = "\"text\":\"$(text 0)\"" ] || fail "read: $answer"

TOKEN=wrong
need 401 "$(call --http2 --cacert "$CA" "$messages")" 'a wrong token'
row 'REST, HTTP/2 over TLS' 'ALPN chooses, sends, reads; problem details'
