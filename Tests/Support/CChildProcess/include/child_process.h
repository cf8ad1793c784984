#ifndef CHILD_PROCESS_H
#define CHILD_PROCESS_H

#include <sys/types.h>

/// Starts `arguments[0]`, a path or a name found in PATH. The child has `streams` as its descriptors 0, 1 and 2 and no
/// others, starts in `directory` unless that is null, and has every signal as it is by default. Returns an errno, or 0.
int child_process_spawn(pid_t *process_id, char *const arguments[], char *const environment[], const char *directory,
                        const int streams[3]);

/// Makes a pipe that children do not inherit: descriptors to read and to write. Returns an errno, or 0.
int child_process_pipe(int descriptors[2]);

#endif
