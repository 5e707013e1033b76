/*
 * ARC, the Internet Archive's format before WARC: one line of fields before
 * each document.  Read only; a line is turned into the fields that a WARC
 * record would have.
 */
#ifndef KPWATCH_ARC_H
#define KPWATCH_ARC_H

#include "bytes.h"

struct arc_line {
	struct span url;
	struct span address; /* may be empty */
	struct span date;    /* digits, as written */
	struct span mime;    /* may be empty; may hold spaces */
	struct span length;  /* as written */
};

/*
 * Reads "URL IP DATE MIME LENGTH" (version 1) or the longer form of version 2
 * from a line without its end.  URLs and types with spaces are understood:
 * the fields are found from the date, which is the last number of 8 to 18
 * digits behind an address.  False when it is no such line.  Borrows.
 */
bool arc_parse_line(struct span line, struct arc_line *out);
/* A date of 10 to 18 digits as "YYYY-MM-DDThh:mm:ssZ"; missing digits are
 * taken for the earliest moment, further ones left out. */
bool arc_date(struct span digits, char out[21]);

#endif
