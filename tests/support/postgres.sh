# Runs one PostgreSQL for tests: sh postgres.sh FOLDER PROGRAMS SETTING...
# Reads commands from standard input and answers each with a line; ends the server and removes FOLDER when the input ends,
# which it does however the test process ends.
trap '' INT TERM HUP
folder=$1 programs=$2
shift 2
server=

# family SIGNAL: to the server and its children; the server first, so that it makes no more of them.
family() {
    kill -s "$1" "$server"
    for status in /proc/[0-9]*/stat; do
        { read -r child _ _ parent _ <"$status"; } 2>/dev/null || continue
        [ "$parent" != "$server" ] || kill -s "$1" "$child"
    done
}

stop() {
    [ -n "$server" ] || return 0
    family CONT
    kill -s INT "$server"
    wait "$server"
    server=
} 2>/dev/null

# start PORT SETTING...: fails if the server ends before it is ready.
start() {
    port=$1
    shift
    "$programs/postgres" -D "$folder/data" -p "$port" -k "$folder" "$@" >>"$folder/log" 2>&1 </dev/null &
    server=$!
    while kill -s 0 "$server" 2>/dev/null; do
        ! grep -qs '^ready' "$folder/data/postmaster.pid" || return 0
        sleep 0.05
    done
    server=
    return 1
}

while read -r command port; do
    case $command in
    start) start "$port" "$@" ;;
    stop) stop ;;
    freeze) family STOP ;;
    thaw) family CONT ;;
    esac 2>/dev/null && echo done || echo failed
done
stop
rm -rf "$folder"
