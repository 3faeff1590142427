# The list of tests, then the log of running them: a table of behaviours and proxies. Fails if a pair was never tried.

BEGIN {
    columns = split(known, proxies, " ")
    for (column = 1; column <= columns; column++) {
        split(proxies[column], parts, "=")
        name[column] = parts[1]
        version[column] = parts[2]
    }
}

# table::BEHAVIOUR::PROXY: test
FNR == NR && /^table::.*: test$/ {
    split($1, parts, "::")
    behaviour = parts[2]
    if (!(behaviour in listed)) {
        listed[behaviour] = 1
        order[++rows] = behaviour
    }
    next
}

FNR == NR && /^in_chromium::.*: test$/ {
    chromium[++visits] = substr($1, 1, length($1) - 1)
    next
}

# test table::BEHAVIOUR::PROXY ... ok
FNR != NR && /^test (table|in_chromium)::.* \.\.\. / {
    result[$2] = $NF == "ok" ? "ok" : "FAILED"
}

function words(text) {
    gsub(/_/, " ", text)
    return text
}

function said(test) {
    if (!(test in result)) {
        missing++
    }
    return test in result ? result[test] : "FAILED"
}

END {
    printf "\n%-62s", ""
    for (column = 1; column <= columns; column++) {
        printf " %-8s", name[column]
    }
    printf "\n%-62s", ""
    for (column = 1; column <= columns; column++) {
        printf " %-8s", version[column]
    }
    print ""
    for (row = 1; row <= rows; row++) {
        printf "%-62s", words(order[row])
        for (column = 1; column <= columns; column++) {
            printf " %-8s", said("table::" order[row] "::" name[column])
        }
        print ""
    }
    for (visit = 1; visit <= visits; visit++) {
        split(chromium[visit], parts, "::")
        printf "%-62s %s\n", "in Chromium: " words(parts[2]), said(chromium[visit])
    }
    print ""
    exit rows == 0 || missing > 0
}
