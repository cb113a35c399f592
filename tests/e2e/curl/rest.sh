# curl over REST and HTTP/1.1: opens a room, sends, sends again what was sent, reads in order.
. "$(dirname "$0")/common.sh"

open_room
messages="$URL/api/v1/rooms/$USER_ID/messages"
for number in $(seq 0 49); do
	body="{\"clientId\":\"$number\",\"text\":\"$(text "$number")\"}"
	set -- "$@" --next --silent --show-error --max-time 30 --output /dev/null --write-out '%{http_code}\n' \
		--header "Authorization: Bearer $TOKEN" --header 'Content-Type: application/json' --data "$body" "$messages"
done
shift
statuses=$(curl "$@" | sort | uniq -c | tr -s ' ')
[ "$statuses" = ' 50 201' ] || fail "sending: $statuses"
need 200 "$(call --data "{\"clientId\":\"7\",\"text\":\"$(text 7)\"}" "$messages")" 'a repeat'

answer=$(call "$messages?limit=200")
need 200 "$answer" 'reading'
got=$(printf '%s' "$answer" | grep -o '"text":"[^"]*"')
want=$(for number in $(seq 0 49); do printf '"text":"%s"\n' "$(text "$number")"; done)
[ "$got" = "$want" ] || fail "read: $got"

TOKEN=wrong
need 401 "$(call "$messages")" 'a wrong token'
row 'REST, HTTP/1.1' 'sends, repeats, reads in order; problem details'
