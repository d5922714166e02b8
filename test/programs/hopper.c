/* Forks, and the parent ends, again and again: every pid lives for `pause` microseconds. Ends by itself after `seconds`.
 * usage: hopper FILE PAUSE SECONDS SETSID(0|1). FILE appears when it hops, FILE.end ends it. main stays.
 * hopper.py is its twin.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

extern char **environ;

int main(int argc, char **argv) {
    if (argc < 5) return 2;
    int pause = atoi(argv[2]), setsids = atoi(argv[4]);
    time_t end = time(NULL) + atoi(argv[3]);
    if (getenv("HOPS") == NULL) {
        char *clean[] = {"HOPS=1", NULL};
        if (fork() == 0) {
            if (fork() == 0) execve(argv[0], argv, clean);
            _exit(0);
        }
        wait(NULL);
        for (;;) sleep(1000);
    }
    for (int fd = 0; fd < 64; fd++) close(fd);
    open(argv[1], O_CREAT | O_WRONLY, 0644);
    close(0);
    char stop[4096];
    snprintf(stop, sizeof stop, "%s.end", argv[1]);
    while (time(NULL) < end && access(stop, F_OK) != 0) {
        pid_t child = fork();
        if (child > 0) _exit(0);
        if (child == 0 && setsids) setsid();
        usleep(pause);
    }
    return 0;
}
