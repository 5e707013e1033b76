/* Labels of character encodings, for charset.c alone. */
#ifndef KPWATCH_CHARSET_TABLE_H
#define KPWATCH_CHARSET_TABLE_H

struct charset_label {
	const char *label;
	const char *name;
};

extern const struct charset_label charset_labels[];
extern const unsigned charset_label_count;

#endif
