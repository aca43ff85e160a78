/* Runs a program to which the kernel refuses some system calls, as a sandbox (seccomp) does: refuse ERRNO CALL[,CALL...] PROGRAM ARGUMENT...
   A call "socket:16" is refused only with that first argument, "ioctl::0x8912" only with that second one. A call that this machine does not have is ignored. */
#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <linux/filter.h>
#include <linux/seccomp.h>

#define CALL(name) { #name, SYS_##name }

static const struct { const char *name; long number; } calls[] = {
    CALL(bind), CALL(clone3), CALL(close_range), CALL(copy_file_range), CALL(epoll_create1), CALL(epoll_ctl), CALL(eventfd2), CALL(fadvise64),
    CALL(fallocate), CALL(fchmod), CALL(fchmodat), CALL(fcntl), CALL(fdatasync), CALL(flock), CALL(fstatfs), CALL(fsync), CALL(ftruncate), CALL(getdents64),
    CALL(getrandom), CALL(getsockname), CALL(getsockopt), CALL(inotify_init1), CALL(ioctl), CALL(lseek), CALL(madvise), CALL(membarrier), CALL(mkdirat),
    CALL(mlock), CALL(pread64), CALL(pwrite64), CALL(recvfrom), CALL(recvmmsg), CALL(recvmsg), CALL(renameat), CALL(renameat2), CALL(sched_getaffinity),
    CALL(sched_setaffinity), CALL(sendmmsg), CALL(sendmsg), CALL(sendto), CALL(setsockopt), CALL(shutdown), CALL(socket), CALL(statfs), CALL(statx),
    CALL(sysinfo), CALL(timerfd_create), CALL(uname), CALL(unlinkat), CALL(utimensat),
#ifdef SYS_open
    CALL(chmod), CALL(epoll_create), CALL(epoll_wait), CALL(link), CALL(lstat), CALL(mkdir), CALL(rename), CALL(rmdir), CALL(unlink), CALL(utime), CALL(utimes),
#endif
};

static void add(struct sock_filter *filter, unsigned short *length, unsigned short code, unsigned int value, unsigned char no) {
    filter[(*length)++] = (struct sock_filter)BPF_JUMP(code, value, 0, no);
}

static long number_of(const char *name) {
    for (size_t i = 0; i < sizeof calls / sizeof *calls; i++) {
        if (strcmp(calls[i].name, name) == 0) {
            return calls[i].number;
        }
    }
    return -1;
}

int main(int count, char **arguments) {
    struct sock_filter filter[1024];
    unsigned short length = 0;
    if (count < 4) {
        fprintf(stderr, "refuse ERRNO CALL[,CALL...] PROGRAM ARGUMENT...\n");
        return 2;
    }

    unsigned int refusal = SECCOMP_RET_ERRNO | (unsigned int)strtoul(arguments[1], NULL, 10);
    char *rest = NULL;
    for (char *call = strtok_r(arguments[2], ",", &rest); call != NULL && length < 1000; call = strtok_r(NULL, ",", &rest)) {
        char *first = strchr(call, ':');
        char *second = NULL;
        if (first != NULL) {
            *first++ = 0;
            second = strchr(first, ':');
            if (second != NULL) {
                *second++ = 0;
            }
        }

        long number = number_of(call);
        if (number < 0) {
            continue;
        }

        filter[length++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr));
        if (first != NULL) {
            const char *wanted = second != NULL ? second : first;
            add(filter, &length, BPF_JMP | BPF_JEQ | BPF_K, (unsigned int)number, 3);
            filter[length++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (unsigned int)offsetof(struct seccomp_data, args[second != NULL ? 1 : 0]));
            add(filter, &length, BPF_JMP | BPF_JEQ | BPF_K, (unsigned int)strtoul(wanted, NULL, 0), 1);
        } else {
            add(filter, &length, BPF_JMP | BPF_JEQ | BPF_K, (unsigned int)number, 1);
        }
        filter[length++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, refusal);
    }

    filter[length++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
    struct sock_fprog program = { length, filter };
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 || prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) != 0) {
        perror("seccomp");
        return 2;
    }

    execvp(arguments[3], arguments + 3);
    perror(arguments[3]);
    return 2;
}
