/* `kpwatch replay --timeline`: who linked what, from when to when. */
#ifndef KPWATCH_REPLAY_TIMELINE_H
#define KPWATCH_REPLAY_TIMELINE_H

#include <stdbool.h>
#include <stdio.h>

/* A state folder for one replay, below $TMPDIR.  Returns owned; NULL when it
 * cannot be made, which was said. */
char *timeline_folder(void);
/* Removes such a folder with all that is in it; frees the name. */
void timeline_folder_remove(char *path);
/* Prints the timeline of a state folder.  False when it cannot be read, which
 * was said. */
bool timeline_print(const char *state_dir, bool json, FILE *to);

#endif
