// Clauses of FIFOs: the errors of names and of opening: mkfifo(3), mknod(2), open(2).
#include <fcntl.h>
#include <sys/stat.h>

#include <string>

#include "conformance/clause.h"

namespace ipcspec {
namespace {

CLAUSE(Fifo, NameIsTaken, "mkfifo(3)",
       "mkfifo does not replace what has the name, be it a FIFO, a directory or a dangling link") {
  a.Must(Mkfifo{.path = "f"});
  a.Must(Mkdir{.path = "d"});
  a.Must(Symlink{.target = "nowhere", .path = "l"});
  for (const char* path : {"f", "d", "l"}) {
    EXPECT_THAT(a.Do(Mkfifo{.path = path}), FailsWith(EEXIST));
    EXPECT_THAT(a.Do(Mknod{.path = path, .mode = S_IFIFO | 0600}), FailsWith(EEXIST));
  }
}
PROVOKES(Fifo, NameIsTaken, "mkfifo.3", "mkfifo,mkfifoat", "EEXIST",
         "path (or a symlink, dangling too) already there");
PROVOKES(Fifo, NameIsTaken, "mknod.2", "mknod,mknodat", "EEXIST", "path already exists");

CLAUSE(Fifo, DirectoryIsMissing, "mkfifo(3)", "A missing directory of the path is ENOENT") {
  a.Must(Symlink{.target = "nowhere", .path = "l"});
  EXPECT_THAT(a.Do(Mkfifo{.path = "d/f"}), FailsWith(ENOENT));
  EXPECT_THAT(a.Do(Mkfifo{.path = "l/f"}), FailsWith(ENOENT));
  EXPECT_THAT(a.Do(Mknod{.path = "d/f", .mode = S_IFIFO | 0600}), FailsWith(ENOENT));
}
PROVOKES(Fifo, DirectoryIsMissing, "mkfifo.3", "mkfifo,mkfifoat", "ENOENT",
         "missing directory component or dangling link in it");
PROVOKES(Fifo, DirectoryIsMissing, "mknod.2", "mknod,mknodat", "ENOENT", "missing component");

CLAUSE(Fifo, ComponentIsNoDirectory, "mkfifo(3)", "A path through a FIFO is ENOTDIR") {
  a.Must(Mkfifo{.path = "f"});
  EXPECT_THAT(a.Do(Mkfifo{.path = "f/g"}), FailsWith(ENOTDIR));
  EXPECT_THAT(a.Do(Mknod{.path = "f/g", .mode = S_IFIFO | 0600}), FailsWith(ENOTDIR));
  EXPECT_THAT(a.Do(Open{.path = "f/g", .flags = O_RDWR}), FailsWith(ENOTDIR));
  EXPECT_THAT(a.Do(Open{.path = "f", .flags = O_RDWR | O_DIRECTORY}), FailsWith(ENOTDIR));
}
PROVOKES(Fifo, ComponentIsNoDirectory, "mkfifo.3", "mkfifo,mkfifoat", "ENOTDIR",
         "a component is not a directory");
PROVOKES(Fifo, ComponentIsNoDirectory, "mknod.2", "mknod,mknodat", "ENOTDIR",
         "component not a directory");
PROVOKES(Fifo, ComponentIsNoDirectory, "open.2", "open(fifo)", "ENOTDIR",
         "component not a directory / O_DIRECTORY on a FIFO");

CLAUSE(Fifo, BadDirectoryDescriptor, "mkfifo(3)",
       "mkfifoat and openat need an open descriptor for a relative path") {
  EXPECT_THAT(a.Do(Mkfifo{.path = "f", .dirfd = 99}), FailsWith(EBADF));
  EXPECT_THAT(a.Do(Mknod{.path = "f", .mode = S_IFIFO | 0600, .dirfd = 99}), FailsWith(EBADF));
  EXPECT_THAT(a.Do(Open{.path = "f", .flags = O_RDWR, .dirfd = 99}), FailsWith(EBADF));
}
PROVOKES(Fifo, BadDirectoryDescriptor, "mkfifo.3", "mkfifoat", "EBADF",
         "relative path and bad dirfd");
PROVOKES(Fifo, BadDirectoryDescriptor, "mknod.2", "mknodat", "EBADF",
         "relative path and bad dirfd");
PROVOKES(Fifo, BadDirectoryDescriptor, "open.2", "openat(fifo)", "EBADF",
         "relative path and bad dirfd");

CLAUSE(Fifo, DescriptorIsNoDirectory, "mkfifo(3)",
       "A relative path from a descriptor that is no directory is ENOTDIR") {
  a.Must(Mkfifo{.path = "f"});
  const Fd f = a.Must(Open{.path = "f", .flags = O_RDWR});
  EXPECT_THAT(a.Do(Mkfifo{.path = "g", .dirfd = f}), FailsWith(ENOTDIR));
  EXPECT_THAT(a.Do(Mknod{.path = "g", .mode = S_IFIFO | 0600, .dirfd = f}), FailsWith(ENOTDIR));
}
PROVOKES(Fifo, DescriptorIsNoDirectory, "mkfifo.3", "mkfifoat", "ENOTDIR",
         "relative path and dirfd is not a directory");
PROVOKES(Fifo, DescriptorIsNoDirectory, "mknod.2", "mknodat", "ENOTDIR",
         "relative path and dirfd not a directory");

CLAUSE(Fifo, NameIsTooLong, "mkfifo(3)", "A name of more than 255 bytes is ENAMETOOLONG") {
  const std::string fits(255, 'n'), longer(256, 'n');
  EXPECT_THAT(a.Do(Mkfifo{.path = fits}), Gives(0));
  EXPECT_THAT(a.Do(Mkfifo{.path = longer}), FailsWith(ENAMETOOLONG));
  EXPECT_THAT(a.Do(Mknod{.path = longer, .mode = S_IFIFO | 0600}), FailsWith(ENAMETOOLONG));
  EXPECT_THAT(a.Do(Open{.path = longer, .flags = O_RDWR}), FailsWith(ENAMETOOLONG));
}
PROVOKES(Fifo, NameIsTooLong, "mkfifo.3", "mkfifo,mkfifoat", "ENAMETOOLONG",
         "path or component too long");
PROVOKES(Fifo, NameIsTooLong, "mknod.2", "mknod,mknodat", "ENAMETOOLONG", "path too long");
PROVOKES(Fifo, NameIsTooLong, "open.2", "open(fifo)", "ENAMETOOLONG", "path too long");

CLAUSE(Fifo, DirectoryCannotBeSearched, "mkfifo(3)",
       "A directory of the path without search permission is EACCES") {
  RequiresOtherUsers();
  a.Must(Umask{.mask = 0});
  a.Must(Mkdir{.path = "d", .mode = 0700});
  a.Must(Mkfifo{.path = "d/f", .mode = 0666});
  TaskHandle b = a.Fork();
  b.Must(SetCredentials{.uid = 1000, .gid = 1000});
  EXPECT_THAT(b.Do(Mkfifo{.path = "d/g"}), FailsWith(EACCES));
  EXPECT_THAT(b.Do(Mknod{.path = "d/g", .mode = S_IFIFO | 0600}), FailsWith(EACCES));
  EXPECT_THAT(b.Do(Open{.path = "d/f", .flags = O_RDWR}), FailsWith(EACCES));
}
PROVOKES(Fifo, DirectoryCannotBeSearched, "mkfifo.3", "mkfifo,mkfifoat", "EACCES",
         "no search permission on a path component");

CLAUSE(Fifo, DirectoryCannotBeWritten, "mknod(2)",
       "A new name needs write permission on its directory") {
  RequiresOtherUsers();
  a.Must(Umask{.mask = 0});
  a.Must(Mkdir{.path = "d", .mode = 0755});
  TaskHandle b = a.Fork();
  b.Must(SetCredentials{.uid = 1000, .gid = 1000});
  EXPECT_THAT(b.Do(Mkfifo{.path = "d/g"}), FailsWith(EACCES));
  EXPECT_THAT(b.Do(Mknod{.path = "d/g", .mode = S_IFIFO | 0600}), FailsWith(EACCES));
}
PROVOKES(Fifo, DirectoryCannotBeWritten, "mknod.2", "mknod,mknodat", "EACCES",
         "no write on parent or no search on prefix");

CLAUSE(Fifo, ReadOnlyFileSystem, "mkfifo(3)", "A read-only file system takes no new name") {
  Requires(MachineUnderTest().may_mount, "this run cannot mount a file system of its own");
  a.Must(Mkdir{.path = "d"});
  a.Must(MountTmpfs{.path = "d"});
  a.Must(Mkfifo{.path = "d/f"});
  a.Must(RemountReadOnly{.path = "d"});
  EXPECT_THAT(a.Do(Mkfifo{.path = "d/g"}), FailsWith(EROFS));
  EXPECT_THAT(a.Do(Mknod{.path = "d/g", .mode = S_IFIFO | 0600}), FailsWith(EROFS));
}
PROVOKES(Fifo, ReadOnlyFileSystem, "mkfifo.3", "mkfifo,mkfifoat", "EROFS", "read-only filesystem");
PROVOKES(Fifo, ReadOnlyFileSystem, "mknod.2", "mknod,mknodat", "EROFS", "read-only filesystem");

CLAUSE(Fifo, FullFileSystem, "mkfifo(3)", "A file system without room for a name is ENOSPC") {
  Requires(MachineUnderTest().may_mount, "this run cannot mount a file system of its own");
  a.Must(Mkdir{.path = "d"});
  a.Must(MountTmpfs{.path = "d", .inodes = 3});
  EXPECT_THAT(a.Do(Mkfifo{.path = "d/f"}), Gives(0));
  EXPECT_THAT(a.Do(Mkfifo{.path = "d/g"}), Gives(0));
  EXPECT_THAT(a.Do(Mkfifo{.path = "d/h"}), FailsWith(ENOSPC));
  EXPECT_THAT(a.Do(Mknod{.path = "d/h", .mode = S_IFIFO | 0600}), FailsWith(ENOSPC));
  a.Must(Unlink{.path = "d/f"});
  EXPECT_THAT(a.Do(Mkfifo{.path = "d/h"}), Gives(0));
}
PROVOKES(Fifo, FullFileSystem, "mkfifo.3", "mkfifo,mkfifoat", "ENOSPC",
         "no room in directory/filesystem");
PROVOKES(Fifo, FullFileSystem, "mknod.2", "mknod,mknodat", "ENOSPC", "no room");

CLAUSE(Fifo, LinksLoop, "open(2)", "A path of links that loop is ELOOP") {
  a.Must(Symlink{.target = "m", .path = "l"});
  a.Must(Symlink{.target = "l", .path = "m"});
  EXPECT_THAT(a.Do(Open{.path = "l", .flags = O_RDWR}), FailsWith(ELOOP));
  EXPECT_THAT(a.Do(Mknod{.path = "l/f", .mode = S_IFIFO | 0600}), FailsWith(ELOOP));
}
PROVOKES(Fifo, LinksLoop, "open.2", "open(fifo)", "ELOOP",
         "symlink loop, or O_NOFOLLOW on a symlink");
PROVOKES(Fifo, LinksLoop, "mknod.2", "mknod,mknodat", "ELOOP", "too many symlinks");

CLAUSE(Fifo, LinkIsFollowed, "open(2)", "open goes through a link to a FIFO, unless O_NOFOLLOW") {
  a.Must(Mkfifo{.path = "f"});
  a.Must(Symlink{.target = "f", .path = "l"});
  EXPECT_THAT(a.Do(Open{.path = "l", .flags = O_RDWR}), Gives(3));
  EXPECT_THAT(a.Do(Open{.path = "l", .flags = O_RDWR | O_NOFOLLOW}), FailsWith(ELOOP));
}

CLAUSE(Fifo, NameIsMissing, "open(2)", "Opening a name that is not there is ENOENT") {
  EXPECT_THAT(a.Do(Open{.path = "f", .flags = O_RDWR}), FailsWith(ENOENT));
}
PROVOKES(Fifo, NameIsMissing, "open.2", "open(fifo)", "ENOENT", "name absent and no O_CREAT");

CLAUSE(Fifo, ExclusiveCreation, "open(2)", "O_CREAT with O_EXCL fails on a FIFO that exists") {
  a.Must(Mkfifo{.path = "f"});
  EXPECT_THAT(a.Do(Open{.path = "f", .flags = O_RDWR | O_CREAT | O_EXCL, .mode = 0600}),
              FailsWith(EEXIST));
  EXPECT_THAT(a.Do(Open{.path = "f", .flags = O_RDWR | O_CREAT, .mode = 0600}), Gives(3));
}
PROVOKES(Fifo, ExclusiveCreation, "open.2", "open(fifo)", "EEXIST",
         "O_CREAT|O_EXCL on existing name");

CLAUSE(Fifo, BadPathPointer, "open(2)", "A bad path pointer is EFAULT") {
  EXPECT_THAT(a.Do(Open{.flags = O_RDWR, .memory = Memory::kBad}), FailsWith(EFAULT));
}
PROVOKES(Fifo, BadPathPointer, "open.2", "open(fifo)", "EFAULT", "bad path pointer");

CLAUSE(Fifo, BadPathPointerOfMknod, "mknod(2)", "A bad path pointer is EFAULT") {
  EXPECT_THAT(a.Do(Mknod{.mode = S_IFIFO | 0600, .memory = Memory::kBad}), FailsWith(EFAULT));
}
PROVOKES(Fifo, BadPathPointerOfMknod, "mknod.2", "mknod,mknodat", "EFAULT", "bad path pointer");

CLAUSE(Fifo, TypeThatMknodCannotMake, "mknod(2)", "mknod makes no directories") {
  const Outcome outcome = a.Do(Mknod{.path = "f", .mode = S_IFDIR | 0700});
  EXPECT_NE(outcome.error, 0);
  EXPECT_THAT(a.Do(Mknod{.path = "g", .mode = 0170000 | 0600}), FailsWith(EINVAL));
  EXPECT_THAT(a.Do(Stat{.path = "f"}), FailsWith(ENOENT));
}
PROVOKES(Fifo, TypeThatMknodCannotMake, "mknod.2", "mknod,mknodat", "EINVAL",
         "file type not creatable by mknod");

CLAUSE(Fifo, DescriptorLimit, "open(2)", "Opening past RLIMIT_NOFILE fails with EMFILE, at once") {
  a.Must(Mkfifo{.path = "f"});
  a.Must(LimitDescriptors{.count = 3});
  EXPECT_THAT(a.Do(Open{.path = "f", .flags = O_RDWR}), FailsWith(EMFILE));
  EXPECT_THAT(a.Do(Open{.path = "f", .flags = O_RDONLY}), FailsWith(EMFILE));
  a.Must(LimitDescriptors{.count = 4});
  EXPECT_THAT(a.Do(Open{.path = "f", .flags = O_RDWR}), Gives(3));
}
PROVOKES(Fifo, DescriptorLimit, "open.2", "open(fifo)", "EMFILE", "per-process fd limit");

CLAUSE(Fifo, ModeOfOthers, "chmod(2)", "Only the owner, or root, changes a FIFO's mode and owner") {
  RequiresOtherUsers();
  a.Must(Mkfifo{.path = "f", .mode = 0644});
  TaskHandle b = a.Fork();
  b.Must(SetCredentials{.uid = 1000, .gid = 1000});
  EXPECT_THAT(b.Do(Chmod{.path = "f", .mode = 0666}), FailsWith(EPERM));
  EXPECT_THAT(b.Do(Chown{.path = "f", .uid = 1000, .gid = 1000}), FailsWith(EPERM));
  a.Must(Chown{.path = "f", .uid = 1000, .gid = 1000});
  EXPECT_THAT(b.Do(Chmod{.path = "f", .mode = 0600}), Gives(0));
  EXPECT_THAT(a.Do(Stat{.path = "f"}), GivesValues({S_IFIFO | 0600, 1000, 1000, 1}));
}

EXCUSED("mkfifo.3", "mkfifo,mkfifoat", "EDQUOT", "quota used up",
        "a file system with quotas would have to be made on a block device");
EXCUSED("mknod.2", "mknod,mknodat", "EDQUOT", "quota used up",
        "a file system with quotas would have to be made on a block device");
EXCUSED("mknod.2", "mknod,mknodat", "ENOMEM", "kernel memory short",
        "taking the kernel's memory would harm whoever else runs on the machine");
EXCUSED("mknod.2", "mknod,mknodat", "EPERM",
        "device node without privilege, or fs cannot hold the type",
        "device nodes are no IPC, and the suite makes none on anybody's machine");
EXCUSED("open.2", "open(fifo)", "EACCES",
        "O_CREAT on someone else's FIFO in sticky dir with protected_fifos set",
        "fs.protected_fifos is the whole machine's setting, and the suite changes none of those");
EXCUSED("open.2", "open(fifo)", "ENFILE", "system file-table limit",
        "the table is the whole machine's: filling it would harm whoever else runs there");
EXCUSED("open.2", "open(fifo)", "ENOMEM", "pipe buffer refused: user hard pipe limit",
        "the limit is off by default, and it is the whole machine's to set");
EXCUSED("open.2", "open(unix socket file)", "ENXIO", "path names a UNIX socket",
        "belongs to UNIX sockets, which are not described yet");
EXCUSED("open.2", "open(fifo)", "EROFS", "write access on read-only filesystem",
        "Linux lets FIFOs on a read-only file system be written: the data is not stored there");

}  // namespace
}  // namespace ipcspec
