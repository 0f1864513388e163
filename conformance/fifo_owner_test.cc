// Clauses of FIFOs: whose names they are, and on which file system: chmod(2), chown(2), inode(7),
// unlink(2), rename(2), mount(2).
#include <fcntl.h>
#include <sys/stat.h>

#include "conformance/clause.h"

namespace ipcspec {
namespace {

constexpr Credentials kUser{.uid = 1000, .gid = 1000};
constexpr Credentials kOther{.uid = 1001, .gid = 1001};

TaskHandle ForkAs(TaskHandle& a, const Credentials& creds) {
  TaskHandle b = a.Fork();
  b.Must(SetCredentials{.uid = creds.uid, .gid = creds.gid});
  return b;
}

CLAUSE(Fifo, StickyDirectory, "unlink(2)",
       "In a directory with the sticky bit the owner of a name or of the directory removes it, "
       "and nobody else") {
  RequiresOtherUsers();
  a.Must(Umask{.mask = 0});
  a.Must(Mkdir{.path = "d"});
  a.Must(Chmod{.path = "d", .mode = 01777});
  a.Must(Chown{.path = "d", .uid = kUser.uid, .gid = kUser.gid});
  TaskHandle owner = ForkAs(a, kUser), other = ForkAs(a, kOther);
  a.Must(Mkfifo{.path = "d/f"});
  owner.Must(Mkfifo{.path = "d/g"});
  other.Must(Mkfifo{.path = "d/h"});
  EXPECT_THAT(other.Do(Unlink{.path = "d/f"}), testing::AnyOf(FailsWith(EPERM), FailsWith(EACCES)));
  EXPECT_THAT(other.Do(Rename{.from = "d/h", .to = "d/g"}),
              testing::AnyOf(FailsWith(EPERM), FailsWith(EACCES)));
  EXPECT_THAT(owner.Do(Unlink{.path = "d/f"}), Gives(0));
  EXPECT_THAT(other.Do(Unlink{.path = "d/h"}), Gives(0));
}

CLAUSE(Fifo, SetGroupDirectory, "inode(7)",
       "A directory with S_ISGID hands its group down, and to directories the bit as well") {
  RequiresOtherUsers();
  a.Must(Umask{.mask = 0});
  a.Must(Mkdir{.path = "d"});
  a.Must(Chown{.path = "d", .uid = -1, .gid = kUser.gid});
  a.Must(Chmod{.path = "d", .mode = 02777});
  a.Must(Mkfifo{.path = "d/f", .mode = 0600});
  a.Must(Mkdir{.path = "d/e", .mode = 0700});
  EXPECT_THAT(a.Do(Stat{.path = "d/f"}), GivesValues({S_IFIFO | 0600, 0, kUser.gid, 1}));
  EXPECT_EQ(a.Do(Stat{.path = "d/e"}).values.at(0), S_IFDIR | 02700);
  a.Must(Mkfifo{.path = "d/e/g", .mode = 0600});
  EXPECT_THAT(a.Do(Stat{.path = "d/e/g"}), GivesValues({S_IFIFO | 0600, 0, kUser.gid, 1}));
}

CLAUSE(Fifo, ChownOfOne, "chown(2)", "An owner or a group of -1 stays as it was") {
  RequiresOtherUsers();
  a.Must(Mkfifo{.path = "f", .mode = 0600});
  EXPECT_THAT(a.Do(Chown{.path = "f", .uid = 1000, .gid = -1}), Gives(0));
  EXPECT_THAT(a.Do(Stat{.path = "f"}), GivesValues({S_IFIFO | 0600, 1000, 0, 1}));
  EXPECT_THAT(a.Do(Chown{.path = "f", .uid = -1, .gid = 1001}), Gives(0));
  EXPECT_THAT(a.Do(Stat{.path = "f"}), GivesValues({S_IFIFO | 0600, 1000, 1001, 1}));
}

CLAUSE(Fifo, OwnerChoosesAmongItsGroups, "chown(2)",
       "The owner gives a FIFO to a group of its own, supplementary ones too, but to nobody else") {
  RequiresOtherUsers();
  a.Must(Mkfifo{.path = "f", .mode = 0600});
  a.Must(Chown{.path = "f", .uid = kUser.uid, .gid = 7});
  TaskHandle b = a.Fork();
  b.Must(SetGroup{.gid = 500});
  b.Must(SetCredentials{.uid = kUser.uid, .gid = kUser.gid});
  EXPECT_THAT(b.Do(Chown{.path = "f", .uid = kUser.uid, .gid = 7}), Gives(0));
  EXPECT_THAT(b.Do(Chown{.path = "f", .uid = -1, .gid = kUser.gid}), Gives(0));
  EXPECT_THAT(b.Do(Chown{.path = "f", .uid = -1, .gid = 500}), Gives(0));
  EXPECT_THAT(b.Do(Chown{.path = "f", .uid = -1, .gid = 501}), FailsWith(EPERM));
  EXPECT_THAT(b.Do(Chown{.path = "f", .uid = kOther.uid, .gid = -1}), FailsWith(EPERM));
  EXPECT_THAT(b.Do(Stat{.path = "f"}), GivesValues({S_IFIFO | 0600, kUser.uid, 500, 1}));
}

CLAUSE(Fifo, SetGroupBitNeedsTheGroup, "chmod(2)",
       "Who is not of a FIFO's group, not even by a supplementary one, cannot set its S_ISGID") {
  RequiresOtherUsers();
  for (const char* path : {"f", "g", "h"}) a.Must(Mkfifo{.path = path});
  a.Must(Chown{.path = "f", .uid = kUser.uid, .gid = kUser.gid});
  a.Must(Chown{.path = "g", .uid = kUser.uid, .gid = 500});
  a.Must(Chown{.path = "h", .uid = kUser.uid, .gid = 501});
  TaskHandle b = a.Fork();
  b.Must(SetGroup{.gid = 500});
  b.Must(SetCredentials{.uid = kUser.uid, .gid = kUser.gid});
  for (const char* path : {"f", "g", "h"}) b.Must(Chmod{.path = path, .mode = 02610});
  EXPECT_EQ(a.Do(Stat{.path = "f"}).values.at(0), S_IFIFO | 02610);
  EXPECT_EQ(a.Do(Stat{.path = "g"}).values.at(0), S_IFIFO | 02610);
  EXPECT_EQ(a.Do(Stat{.path = "h"}).values.at(0), S_IFIFO | 0610);
}

CLAUSE(Fifo, MovedDirectoryIsChanged, "rename(2)",
       "A directory is moved to another one only by who may write to it: its .. changes") {
  RequiresOtherUsers();
  a.Must(Umask{.mask = 0});
  for (const char* path : {"d", "e"}) a.Must(Mkdir{.path = path, .mode = 0777});
  a.Must(Mkdir{.path = "d/closed", .mode = 0755});
  TaskHandle b = ForkAs(a, kUser);
  EXPECT_THAT(b.Do(Rename{.from = "d/closed", .to = "e/closed"}), FailsWith(EACCES));
  EXPECT_THAT(b.Do(Rename{.from = "d/closed", .to = "d/other"}), Gives(0));
}

CLAUSE(Fifo, OpenCannotMakeAName, "open(2)",
       "O_CREAT needs write permission on the directory of a new name, not of one that is there") {
  RequiresOtherUsers();
  a.Must(Umask{.mask = 0});
  a.Must(Mkdir{.path = "d", .mode = 0755});
  a.Must(Mkfifo{.path = "d/f", .mode = 0666});
  TaskHandle b = ForkAs(a, kUser);
  EXPECT_THAT(b.Do(Open{.path = "d/g", .flags = O_RDWR | O_CREAT, .mode = 0600}),
              FailsWith(EACCES));
  EXPECT_THAT(b.Do(Open{.path = "d/f", .flags = O_RDWR | O_CREAT, .mode = 0600}), Gives(3));
}

CLAUSE(Fifo, RenameAcrossFileSystems, "rename(2)",
       "A FIFO is not moved to another file system, and where one begins is not moved at all") {
  Requires(MachineUnderTest().may_mount, "this run cannot mount a file system of its own");
  a.Must(Mkdir{.path = "d"});
  a.Must(Mkdir{.path = "e"});
  a.Must(MountTmpfs{.path = "d"});
  a.Must(Mkfifo{.path = "f"});
  EXPECT_THAT(a.Do(Rename{.from = "f", .to = "d/f"}), FailsWith(EXDEV));
  EXPECT_THAT(a.Do(Rename{.from = "d", .to = "x"}), FailsWith(EBUSY));
  EXPECT_THAT(a.Do(Rename{.from = "e", .to = "d"}), FailsWith(EBUSY));
}

CLAUSE(Fifo, ReadOnlyChangesNothing, "mount(2)",
       "On a read-only file system no name, mode or owner changes and no file is opened for "
       "writing; a FIFO is: its data is not stored there") {
  Requires(MachineUnderTest().may_mount, "this run cannot mount a file system of its own");
  a.Must(Mkdir{.path = "d"});
  a.Must(MountTmpfs{.path = "d"});
  a.Must(Mkfifo{.path = "d/f"});
  a.Must(Mknod{.path = "d/r", .mode = S_IFREG | 0600});
  a.Must(RemountReadOnly{.path = "d"});
  EXPECT_THAT(a.Do(Unlink{.path = "d/f"}), FailsWith(EROFS));
  EXPECT_THAT(a.Do(Rename{.from = "d/f", .to = "d/g"}), FailsWith(EROFS));
  EXPECT_THAT(a.Do(Chmod{.path = "d/f", .mode = 0666}), FailsWith(EROFS));
  EXPECT_THAT(a.Do(Chown{.path = "d/f", .uid = 0, .gid = 0}), FailsWith(EROFS));
  EXPECT_THAT(a.Do(Open{.path = "d/r", .flags = O_WRONLY}), FailsWith(EROFS));
  EXPECT_THAT(a.Do(Open{.path = "d/r", .flags = O_RDONLY | O_TRUNC}), FailsWith(EROFS));
  EXPECT_THAT(a.Do(Open{.path = "d/r", .flags = O_RDONLY}), Gives(3));
  EXPECT_THAT(a.Do(Open{.path = "d/f", .flags = O_RDWR}), Gives(4));
}

CLAUSE(Fifo, OpenFileKeepsAFileSystemWritable, "mount(2)",
       "While a file is open for writing its file system does not become read-only: EBUSY") {
  Requires(MachineUnderTest().may_mount, "this run cannot mount a file system of its own");
  a.Must(Mkdir{.path = "d"});
  a.Must(MountTmpfs{.path = "d"});
  const Fd r = a.Must(Open{.path = "d/r", .flags = O_RDWR | O_CREAT, .mode = 0600});
  EXPECT_THAT(a.Do(RemountReadOnly{.path = "d"}), FailsWith(EBUSY));
  a.Must(Close{.fd = r});
  EXPECT_THAT(a.Do(RemountReadOnly{.path = "d"}), Gives(0));
}

CLAUSE(Fifo, OpenFifoOfAReadOnlyFileSystem, "mount(2)",
       "An open FIFO keeps its file system writable, or goes on taking data on a read-only one") {
  Requires(MachineUnderTest().may_mount, "this run cannot mount a file system of its own");
  a.Must(Mkdir{.path = "d"});
  a.Must(MountTmpfs{.path = "d"});
  a.Must(Mkfifo{.path = "d/f"});
  const Fd f = a.Must(Open{.path = "d/f", .flags = O_RDWR});
  EXPECT_THAT(a.Do(RemountReadOnly{.path = "d"}), testing::AnyOf(Gives(0), FailsWith(EBUSY)));
  EXPECT_THAT(a.Do(Write{.fd = f, .data = "data"}), Gives(4));
}

CLAUSE(Fifo, MountPoints, "mount(2)",
       "A file system is mounted on a directory that is there, and remounted where it begins") {
  Requires(MachineUnderTest().may_mount, "this run cannot mount a file system of its own");
  a.Must(Mkdir{.path = "d"});
  a.Must(Mkfifo{.path = "f"});
  EXPECT_THAT(a.Do(MountTmpfs{.path = "no"}), FailsWith(ENOENT));
  EXPECT_THAT(a.Do(MountTmpfs{.path = "no/d"}), FailsWith(ENOENT));
  EXPECT_THAT(a.Do(MountTmpfs{.path = "f"}), FailsWith(ENOTDIR));
  EXPECT_THAT(a.Do(RemountReadOnly{.path = "no"}), FailsWith(ENOENT));
  EXPECT_THAT(a.Do(RemountReadOnly{.path = "no/d"}), FailsWith(ENOENT));
  EXPECT_THAT(a.Do(RemountReadOnly{.path = "d"}), FailsWith(EINVAL));
  a.Must(MountTmpfs{.path = "d"});
  a.Must(Mkdir{.path = "d/e"});
  EXPECT_THAT(a.Do(RemountReadOnly{.path = "d/e"}), FailsWith(EINVAL));
}

CLAUSE(Fifo, MountingNeedsPrivilege, "mount(2)", "Only a privileged task mounts: EPERM") {
  Requires(MachineUnderTest().may_mount, "this run cannot mount a file system of its own");
  RequiresOtherUsers();
  a.Must(Mkdir{.path = "d"});
  TaskHandle b = ForkAs(a, kUser);
  EXPECT_THAT(b.Do(MountTmpfs{.path = "d"}), FailsWith(EPERM));
  EXPECT_THAT(b.Do(RemountReadOnly{.path = "d"}), FailsWith(EPERM));
}

}  // namespace
}  // namespace ipcspec
