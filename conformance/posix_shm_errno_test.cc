// Clauses of refusals of POSIX shared memory: names, flags, permissions: shm_open(3).
#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>

#include <string>

#include "conformance/clause.h"

namespace ipcspec {
namespace {

Fd MakeObject(TaskHandle& a, int64_t mode) {
  a.Must(Umask{.mask = 0});
  const Fd fd = a.Must(ShmOpen{.name = "/x", .flags = O_RDWR | O_CREAT | O_EXCL, .mode = mode});
  a.Must(Ftruncate{.fd = fd, .length = 8});
  return fd;
}

TaskHandle ForkAs(TaskHandle& a, int64_t uid, int64_t gid) {
  TaskHandle b = a.Fork();
  b.Must(SetCredentials{.uid = uid, .gid = gid});
  return b;
}

CLAUSE(PosixShm, ExclusiveRefusesWhatIsThere, "shm_open(3)",
       "With O_CREAT and O_EXCL an object that is there is refused with EEXIST") {
  MakeObject(a, 0600);
  EXPECT_THAT(a.Do(ShmOpen{.name = "/x", .flags = O_RDWR | O_CREAT | O_EXCL}), FailsWith(EEXIST));
  EXPECT_THAT(a.Do(ShmOpen{.name = "/x", .flags = O_RDWR}), Gives(4));
}
PROVOKES(PosixShm, ExclusiveRefusesWhatIsThere, "shm_open.3", "shm_open", "EEXIST",
         "O_CREAT|O_EXCL on existing name");

CLAUSE(PosixShm, MissingObject, "shm_open(3)",
       "Without O_CREAT a name that no object has is refused with ENOENT, and nothing is made") {
  EXPECT_THAT(a.Do(ShmOpen{.name = "/x", .flags = O_RDWR}), FailsWith(ENOENT));
  EXPECT_THAT(a.Do(ShmOpen{.name = "/x", .flags = O_RDONLY}), FailsWith(ENOENT));
}
PROVOKES(PosixShm, MissingObject, "shm_open.3", "shm_open", "ENOENT", "absent without O_CREAT");

CLAUSE(PosixShm, BadNames, "shm_open(3)",
       "A name of a slash alone, or with a slash within, is refused with EINVAL") {
  for (const char* name : {"/", "/a/b"}) {
    EXPECT_THAT(a.Do(ShmOpen{.name = name, .flags = O_RDWR | O_CREAT}), FailsWith(EINVAL));
  }
}
PROVOKES(PosixShm, BadNames, "shm_open.3", "shm_open", "EINVAL", "bad name");

CLAUSE(PosixShm, NamesOfDirectories, "shm_open(3)",
       "The names of the directory itself and of the one above stand for no object") {
  for (const char* name : {"/.", "/.."}) {
    EXPECT_NE(a.Do(ShmOpen{.name = name, .flags = O_RDWR | O_CREAT}).error, 0);
    EXPECT_NE(a.Do(ShmUnlink{.name = name}).error, 0);
  }
}

CLAUSE(PosixShm, AccessForWritingAlone, "shm_open(3)",
       "O_WRONLY, of which nothing is said, is refused with EINVAL or opens an object to write") {
  const Outcome opened = a.Do(ShmOpen{.name = "/x", .flags = O_WRONLY | O_CREAT});
  if (!opened.ok()) return;
  EXPECT_THAT(a.Do(Ftruncate{.fd = opened.ret, .length = 8}), Gives(0));
  EXPECT_THAT(a.Do(Read{.fd = opened.ret, .count = 8}), FailsWith(EBADF));
}

CLAUSE(PosixShm, LongName, "shm_open(3)",
       "A name of more than NAME_MAX characters is refused with ENAMETOOLONG") {
  EXPECT_THAT(a.Do(ShmOpen{.name = "/" + std::string(256, 'n'), .flags = O_RDWR | O_CREAT}),
              FailsWith(ENAMETOOLONG));
  const std::string fits = "/" + std::string(240, 'n');
  EXPECT_THAT(a.Do(ShmOpen{.name = fits, .flags = O_RDWR | O_CREAT}), Gives(3));
  EXPECT_THAT(a.Do(ShmUnlink{.name = fits}), Gives(0));
}
PROVOKES(PosixShm, LongName, "shm_open.3", "shm_open", "ENAMETOOLONG", "name too long");

CLAUSE(PosixShm, DescriptorLimit, "shm_open(3)",
       "A task with as many descriptors as it may have cannot open another: EMFILE") {
  a.Must(LimitDescriptors{.count = 4});
  MakeObject(a, 0600);
  EXPECT_THAT(a.Do(ShmOpen{.name = "/x", .flags = O_RDWR}), FailsWith(EMFILE));
  EXPECT_THAT(a.Do(ShmOpen{.name = "/y", .flags = O_RDWR | O_CREAT}), FailsWith(EMFILE));
  a.Must(Close{.fd = 3});
  EXPECT_THAT(a.Do(ShmOpen{.name = "/y", .flags = O_RDWR}), FailsWith(ENOENT));
}
PROVOKES(PosixShm, DescriptorLimit, "shm_open.3", "shm_open", "EMFILE", "fd limit");

CLAUSE(PosixShm, ModeDecides, "shm_open(3)",
       "Who may open an object, and for what, its mode says for owner, group and others") {
  RequiresOtherUsers();
  const Fd f = MakeObject(a, 0640);
  a.Must(Fchown{.fd = f, .uid = 1000, .gid = 1000});
  TaskHandle owner = ForkAs(a, 1000, 1001), group = ForkAs(a, 1001, 1000),
             other = ForkAs(a, 1001, 1001);
  EXPECT_THAT(owner.Do(ShmOpen{.name = "/x", .flags = O_RDWR}), Gives(4));
  EXPECT_THAT(group.Do(ShmOpen{.name = "/x", .flags = O_RDONLY}), Gives(4));
  EXPECT_THAT(group.Do(ShmOpen{.name = "/x", .flags = O_RDWR}), FailsWith(EACCES));
  EXPECT_THAT(other.Do(ShmOpen{.name = "/x", .flags = O_RDONLY}), FailsWith(EACCES));
}
PROVOKES(PosixShm, ModeDecides, "shm_open.3", "shm_open", "EACCES",
         "mode denies, or O_TRUNC without write permission");

CLAUSE(PosixShm, TruncNeedsWriting, "shm_open(3)",
       "O_TRUNC of an object that the caller may not write is refused, and the object stays") {
  RequiresOtherUsers();
  const Fd f = MakeObject(a, 0644);
  TaskHandle b = ForkAs(a, 1000, 1000);
  EXPECT_THAT(b.Do(ShmOpen{.name = "/x", .flags = O_RDONLY | O_TRUNC}), FailsWith(EACCES));
  EXPECT_THAT(b.Do(ShmOpen{.name = "/x", .flags = O_RDWR | O_TRUNC}), FailsWith(EACCES));
  EXPECT_THAT(a.Do(FileSize{.fd = f}), Gives(8));
}

CLAUSE(PosixShm, NewObjectOfModeZero, "shm_open(3)",
       "The mode counts from the next open on: who makes an object may use it at once") {
  RequiresOtherUsers();
  TaskHandle b = ForkAs(a, 1000, 1000);
  const Fd f = MakeObject(b, 0);
  EXPECT_THAT(b.Do(FileSize{.fd = f}), Gives(8));
  EXPECT_THAT(b.Do(ShmOpen{.name = "/x", .flags = O_RDONLY}), FailsWith(EACCES));
}

CLAUSE(PosixShm, PrivilegeOverridesTheMode, "capabilities(7)",
       "A task with CAP_DAC_OVERRIDE opens any object; one that gave it up does not") {
  RequiresOtherUsers();
  Requires(dialect().cap_dac_override, "user 0 lacks CAP_DAC_OVERRIDE here");
  TaskHandle b = ForkAs(a, 1000, 1000);
  MakeObject(b, 0600);
  EXPECT_THAT(a.Do(ShmOpen{.name = "/x", .flags = O_RDWR}), Gives(3));
  a.Must(DropCapability{.capability = Capability::kDacOverride});
  EXPECT_THAT(a.Do(ShmOpen{.name = "/x", .flags = O_RDWR}), FailsWith(EACCES));
}

CLAUSE(PosixShm, UnlinkNeedsTheName, "shm_open(3)",
       "Shm_unlink of a name that no object has fails with ENOENT") {
  EXPECT_THAT(a.Do(ShmUnlink{.name = "/x"}), FailsWith(ENOENT));
  MakeObject(a, 0600);
  EXPECT_THAT(a.Do(ShmUnlink{.name = "/x"}), Gives(0));
  EXPECT_THAT(a.Do(ShmUnlink{.name = "/x"}), FailsWith(ENOENT));
}
PROVOKES(PosixShm, UnlinkNeedsTheName, "shm_open.3", "shm_unlink", "ENOENT", "absent");

CLAUSE(PosixShm, UnlinkByOthers, "shm_open(3)",
       "A user who owns neither the object nor is privileged cannot unlink it, whatever the mode") {
  RequiresOtherUsers();
  const Fd f = MakeObject(a, 0666);
  a.Must(Fchown{.fd = f, .uid = 1000, .gid = 1000});
  TaskHandle b = ForkAs(a, 1001, 1000);
  EXPECT_THAT(b.Do(ShmUnlink{.name = "/x"}), FailsWith(EACCES));
  EXPECT_THAT(a.Do(ShmOpen{.name = "/x", .flags = O_RDWR}), Gives(4));
}
PROVOKES(PosixShm, UnlinkByOthers, "shm_open.3", "shm_unlink", "EACCES", "no permission to unlink");

CLAUSE(PosixShm, OwnerUnlinks, "shm_open(3)",
       "The owner of an object may unlink it, even when its mode gives it no right") {
  RequiresOtherUsers();
  TaskHandle b = ForkAs(a, 1000, 1000);
  MakeObject(b, 0);
  EXPECT_THAT(b.Do(ShmUnlink{.name = "/x"}), Gives(0));
  EXPECT_THAT(a.Do(ShmOpen{.name = "/x", .flags = O_RDONLY}), FailsWith(ENOENT));
}

CLAUSE(PosixShm, OnlyTheOwnerChangesTheMode, "fchmod(2)",
       "Fchmod and fchown of an object that another user owns fail with EPERM") {
  RequiresOtherUsers();
  const Fd f = MakeObject(a, 0666);
  TaskHandle b = ForkAs(a, 1000, 1000);
  EXPECT_THAT(b.Do(Fchmod{.fd = f, .mode = 0600}), FailsWith(EPERM));
  EXPECT_THAT(b.Do(Fchown{.fd = f, .uid = 1000, .gid = 1000}), FailsWith(EPERM));
  EXPECT_THAT(b.Do(Fchmod{.fd = 99, .mode = 0600}), FailsWith(EBADF));
  EXPECT_THAT(b.Do(Fchown{.fd = 99, .uid = 1000, .gid = 1000}), FailsWith(EBADF));
}

CLAUSE(PosixShm, ReadOnlyObjectCannotBeSized, "ftruncate(2)",
       "A descriptor that was opened O_RDONLY sets no size, and maps no writable shared memory") {
  MakeObject(a, 0600);
  const Fd r = a.Must(ShmOpen{.name = "/x", .flags = O_RDONLY});
  EXPECT_FALSE(a.Do(Ftruncate{.fd = r, .length = 0}).ok());
  EXPECT_THAT(a.Do(FileSize{.fd = r}), Gives(8));
  EXPECT_THAT(a.Do(Mmap{.prot = PROT_READ | PROT_WRITE, .flags = MAP_SHARED, .fd = r}),
              FailsWith(EACCES));
  const Address p = a.Must(Mmap{.prot = PROT_READ, .flags = MAP_SHARED, .fd = r});
  EXPECT_THAT(a.Do(Mprotect{.address = p, .prot = PROT_READ | PROT_WRITE}), FailsWith(EACCES));
}

EXCUSED("shm_open.3", "shm_open", "ENFILE", "system file limit",
        "Needs every open file that the whole machine can have, other programs' too");

}  // namespace
}  // namespace ipcspec
