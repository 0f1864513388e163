// Clauses of POSIX shared memory: objects, their names and what is stored in them: shm_open(3),
// shm_overview(7). Refusals and permissions: posix_shm_errno_test.cc.
#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>

#include <string>

#include "conformance/clause.h"

namespace ipcspec {
namespace {

constexpr int64_t kReadWrite = PROT_READ | PROT_WRITE;

// A new object of this size.
Fd MakeObject(TaskHandle& a, const std::string& name, int64_t size) {
  const Fd fd = a.Must(ShmOpen{.name = name, .flags = O_RDWR | O_CREAT | O_EXCL});
  if (size > 0) a.Must(Ftruncate{.fd = fd, .length = size});
  return fd;
}

Address Map(TaskHandle& a, const Fd& fd, int64_t length, int64_t type = MAP_SHARED) {
  return a.Must(Mmap{.length = length, .prot = kReadWrite, .flags = type, .fd = fd});
}

CLAUSE(PosixShm, NewObjectIsEmpty, "shm_open(3)",
       "A new object has size zero, and belongs to the user and group of who made it") {
  const Fd f = a.Must(ShmOpen{.name = "/x", .flags = O_RDWR | O_CREAT, .mode = 0640});
  EXPECT_THAT(a.Do(FileSize{.fd = f}), Gives(0));
  const Outcome stat = a.Do(Fstat{.fd = f});
  ASSERT_TRUE(stat.ok());
  EXPECT_EQ(stat.values[0] & 0777, 0640);
  EXPECT_EQ(stat.values[1], 0);
}

CLAUSE(PosixShm, SizedObjectIsZero, "shm_open(3)",
       "The bytes of an object that ftruncate makes longer are zero") {
  const Fd f = MakeObject(a, "/x", 100);
  EXPECT_THAT(a.Do(FileSize{.fd = f}), Gives(100));
  const Address p = Map(a, f, 100);
  EXPECT_THAT(a.Do(Load{.address = p, .size = 100}), Gives(0, std::string(100, '\0')));
}

CLAUSE(PosixShm, UnrelatedTasksShare, "shm_overview(7)",
       "Tasks that open an object by its name and map it share its memory") {
  TaskHandle b = a.Fork(), c = a.Fork();
  const Fd fb = MakeObject(b, "/x", dialect().page_size);
  const Fd fc = c.Must(ShmOpen{.name = "/x", .flags = O_RDWR});
  const Address pb = Map(b, fb, dialect().page_size), pc = Map(c, fc, dialect().page_size);
  b.Must(Store{.address = pb, .data = "from b"});
  EXPECT_THAT(c.Do(Load{.address = pc, .size = 6}), Gives(0, "from b"));
  c.Must(Store{.address = pc, .offset = 5, .data = "c"});
  EXPECT_THAT(b.Do(Load{.address = pb, .size = 6}), Gives(0, "from c"));
}

CLAUSE(PosixShm, NamesAreDifferentObjects, "shm_open(3)",
       "Objects of different names are different memory") {
  const Fd x = MakeObject(a, "/x", 8), y = MakeObject(a, "/y", 8);
  const Address px = Map(a, x, 8), py = Map(a, y, 8);
  a.Must(Store{.address = px, .data = "x"});
  EXPECT_THAT(a.Do(Load{.address = py}), Gives(0, std::string(1, '\0')));
}

CLAUSE(PosixShm, PersistsWithoutUsers, "shm_overview(7)",
       "An object keeps its contents when no task has it open or mapped, until it is unlinked") {
  TaskHandle b = a.Fork();
  const Fd f = MakeObject(b, "/x", 8);
  b.Must(Store{.address = Map(b, f, 8), .data = "persist"});
  b.Begin(Exit{});
  const Fd g = a.Must(ShmOpen{.name = "/x", .flags = O_RDONLY});
  const Address p = a.Must(Mmap{.length = 8, .prot = PROT_READ, .flags = MAP_SHARED, .fd = g});
  EXPECT_THAT(a.Do(Load{.address = p, .size = 7}), Gives(0, "persist"));
}

CLAUSE(PosixShm, LowestDescriptor, "shm_open(3)",
       "The descriptor is the lowest that the task has free, and is closed when it executes") {
  EXPECT_THAT(a.Do(ShmOpen{.name = "/x", .flags = O_RDWR | O_CREAT}), Gives(3));
  EXPECT_THAT(a.Do(GetFdFlags{.fd = 3}), Gives(FD_CLOEXEC));
  TaskHandle b = a.Fork();
  EXPECT_THAT(b.Do(FileSize{.fd = 3}), Gives(0));
  b.Must(Exec{});
  EXPECT_THAT(b.Do(FileSize{.fd = 3}), FailsWith(EBADF));
}

CLAUSE(PosixShm, UmaskApplies, "shm_open(3)",
       "The mode of a new object is without the bits of the umask; an old object keeps its mode") {
  a.Must(Umask{.mask = 027});
  const Fd f = a.Must(ShmOpen{.name = "/x", .flags = O_RDWR | O_CREAT, .mode = 0666});
  EXPECT_EQ(a.Do(Fstat{.fd = f}).values[0] & 0777, 0640);
  const Fd g = a.Must(ShmOpen{.name = "/x", .flags = O_RDWR | O_CREAT, .mode = 0600});
  EXPECT_EQ(a.Do(Fstat{.fd = g}).values[0] & 0777, 0640);
}

CLAUSE(PosixShm, CreateOpensWhatIsThere, "shm_open(3)",
       "O_CREAT alone opens the object that is there, with its size and contents") {
  const Fd f = MakeObject(a, "/x", 16);
  a.Must(Store{.address = Map(a, f, 16), .data = "old"});
  const Fd g = a.Must(ShmOpen{.name = "/x", .flags = O_RDWR | O_CREAT});
  EXPECT_THAT(a.Do(FileSize{.fd = g}), Gives(16));
  EXPECT_THAT(a.Do(Load{.address = Map(a, g, 16), .size = 3}), Gives(0, "old"));
}

CLAUSE(PosixShm, TruncEmpties, "shm_open(3)",
       "O_TRUNC makes an object that is there empty: its mappings raise SIGBUS") {
  const Fd f = MakeObject(a, "/x", 16);
  const Address p = Map(a, f, 16);
  a.Must(Store{.address = p, .data = "old"});
  a.Must(ShmOpen{.name = "/x", .flags = O_RDWR | O_TRUNC});
  EXPECT_THAT(a.Do(FileSize{.fd = f}), Gives(0));
  EXPECT_THAT(a.Do(Load{.address = p}), Gives(SIGBUS));
}

CLAUSE(PosixShm, UnlinkTakesTheName, "shm_open(3)",
       "After shm_unlink the name is free; who has the object open or mapped goes on with it") {
  const Fd f = MakeObject(a, "/x", 8);
  const Address p = Map(a, f, 8);
  a.Must(Store{.address = p, .data = "old"});
  EXPECT_THAT(a.Do(ShmUnlink{.name = "/x"}), Gives(0));
  EXPECT_THAT(a.Do(ShmOpen{.name = "/x", .flags = O_RDWR}), FailsWith(ENOENT));
  EXPECT_THAT(a.Do(Load{.address = p, .size = 3}), Gives(0, "old"));
  EXPECT_THAT(a.Do(Load{.address = Map(a, f, 8), .size = 3}), Gives(0, "old"));
  EXPECT_EQ(a.Do(Fstat{.fd = f}).values[3], 0) << "no name is left";
}

CLAUSE(PosixShm, NewObjectOfAnOldName, "shm_open(3)",
       "Under a name that was unlinked a new object can be made: it is not the old one") {
  const Fd f = MakeObject(a, "/x", 8);
  const Address p = Map(a, f, 8);
  a.Must(ShmUnlink{.name = "/x"});
  const Fd g = MakeObject(a, "/x", 8);
  const Address q = Map(a, g, 8);
  a.Must(Store{.address = p, .data = "old"});
  EXPECT_THAT(a.Do(Load{.address = q, .size = 3}), Gives(0, std::string(3, '\0')));
  a.Must(Store{.address = q, .data = "new"});
  EXPECT_THAT(a.Do(Load{.address = p, .size = 3}), Gives(0, "old"));
}

CLAUSE(PosixShm, MappingOutlivesNameAndDescriptor, "shm_overview(7)",
       "Memory stays while it is mapped, with neither name nor descriptor, and fork shares it") {
  const Fd f = MakeObject(a, "/x", 8);
  const Address p = Map(a, f, 8);
  a.Must(Close{.fd = f});
  a.Must(ShmUnlink{.name = "/x"});
  TaskHandle b = a.Fork();
  b.Must(Store{.address = p, .data = "shared"});
  EXPECT_THAT(a.Do(Load{.address = p, .size = 6}), Gives(0, "shared"));
}

CLAUSE(PosixShm, SizeIsSharedAtOnce, "ftruncate(2)",
       "A size that one task sets is the size for all, and a page that is gone raises SIGBUS") {
  const int64_t page = dialect().page_size;
  const Fd f = MakeObject(a, "/x", 2 * page);
  TaskHandle b = a.Fork();
  const Fd g = b.Must(ShmOpen{.name = "/x", .flags = O_RDWR});
  const Address p = Map(b, g, 2 * page);
  EXPECT_THAT(b.Do(Store{.address = p, .offset = page, .data = "x"}), Gives(0));
  a.Must(Ftruncate{.fd = f, .length = page});
  EXPECT_THAT(b.Do(FileSize{.fd = g}), Gives(page));
  EXPECT_THAT(b.Do(Load{.address = p, .offset = page}), Gives(SIGBUS));
  EXPECT_THAT(b.Do(Load{.address = p, .offset = page - 1}), Gives(0, std::string(1, '\0')));
}

CLAUSE(PosixShm, GrownObjectIsMappedAnew, "ftruncate(2)",
       "An object can grow; a new mapping shows the old bytes and zeros behind them") {
  const int64_t page = dialect().page_size;
  const Fd f = MakeObject(a, "/x", page);
  a.Must(Store{.address = Map(a, f, page), .offset = page - 1, .data = "|"});
  a.Must(Ftruncate{.fd = f, .length = 2 * page});
  EXPECT_THAT(a.Do(Load{.address = Map(a, f, 2 * page), .offset = page - 1, .size = 2}),
              Gives(0, std::string("|\0", 2)));
}

CLAUSE(PosixShm, PrivateMappingKeepsToItself, "mmap(2)",
       "Stores in a private mapping of an object do not reach the object") {
  const Fd f = MakeObject(a, "/x", 8);
  const Address p = Map(a, f, 8, MAP_PRIVATE), q = Map(a, f, 8);
  a.Must(Store{.address = p, .data = "mine"});
  EXPECT_THAT(a.Do(Load{.address = q, .size = 4}), Gives(0, std::string(4, '\0')));
  EXPECT_THAT(a.Do(Load{.address = p, .size = 4}), Gives(0, "mine"));
}

CLAUSE(PosixShm, ReadOnlyDescriptorReads, "shm_open(3)",
       "An object opened O_RDONLY can be mapped for reading, and shows what others store") {
  const Fd f = MakeObject(a, "/x", 8);
  const Address p = Map(a, f, 8);
  TaskHandle b = a.Fork();
  const Fd r = b.Must(ShmOpen{.name = "/x", .flags = O_RDONLY});
  const Address q = b.Must(Mmap{.length = 8, .prot = PROT_READ, .flags = MAP_SHARED, .fd = r});
  a.Must(Store{.address = p, .data = "look"});
  EXPECT_THAT(b.Do(Load{.address = q, .size = 4}), Gives(0, "look"));
  EXPECT_THAT(b.Do(Store{.address = q, .data = "x"}), Gives(SIGSEGV));
}

CLAUSE(PosixShm, FchmodChangesTheMode, "shm_overview(7)",
       "Fchmod changes who may open the object; who has it open already is not concerned") {
  RequiresOtherUsers();
  const Fd f = MakeObject(a, "/x", 8);
  TaskHandle b = a.Fork();
  b.Must(SetCredentials{.uid = 1000, .gid = 1000});
  EXPECT_THAT(b.Do(ShmOpen{.name = "/x", .flags = O_RDONLY}), FailsWith(EACCES));
  EXPECT_THAT(a.Do(Fchmod{.fd = f, .mode = 0644}), Gives(0));
  const Fd r = b.Must(ShmOpen{.name = "/x", .flags = O_RDONLY});
  EXPECT_THAT(b.Do(ShmOpen{.name = "/x", .flags = O_RDWR}), FailsWith(EACCES));
  a.Must(Fchmod{.fd = f, .mode = 0});
  EXPECT_THAT(b.Do(Mmap{.length = 8, .prot = PROT_READ, .flags = MAP_SHARED, .fd = r}).error, 0);
}

CLAUSE(PosixShm, FchownChangesTheOwner, "shm_overview(7)",
       "Fchown gives the object to another user, who then has the owner's rights") {
  RequiresOtherUsers();
  const Fd f = MakeObject(a, "/x", 8);
  EXPECT_THAT(a.Do(Fchown{.fd = f, .uid = 1000, .gid = 1000}), Gives(0));
  EXPECT_THAT(a.Do(Fstat{.fd = f}), GivesValues({0100600, 1000, 1000, 1}));
  TaskHandle b = a.Fork();
  b.Must(SetCredentials{.uid = 1000, .gid = 1000});
  EXPECT_THAT(b.Do(ShmOpen{.name = "/x", .flags = O_RDWR}), Gives(4));
  EXPECT_THAT(b.Do(ShmUnlink{.name = "/x"}), Gives(0));
}

CLAUSE(PosixShm, StoresOfAKilledTaskStay, "shm_overview(7)",
       "An object that a killed task had mapped is as it left it") {
  TaskHandle b = a.Fork();
  const Fd f = MakeObject(b, "/x", 8);
  b.Must(Store{.address = Map(b, f, 8), .data = "done"});
  a.Must(Kill{.target = b.task(), .signal = SIGKILL});
  const Fd g = a.Must(ShmOpen{.name = "/x", .flags = O_RDWR});
  EXPECT_THAT(a.Do(Load{.address = Map(a, g, 8), .size = 4}), Gives(0, "done"));
}

CLAUSE(
    PosixShm, ReopenedForWritingByFork, "fork(2)",
    "A child shares the open object: a size it sets by the inherited descriptor is the parent's") {
  const Fd f = MakeObject(a, "/x", 0);
  TaskHandle b = a.Fork();
  EXPECT_THAT(b.Do(Ftruncate{.fd = f, .length = 12}), Gives(0));
  b.Begin(Exit{});
  EXPECT_THAT(a.Do(FileSize{.fd = f}), Gives(12));
}

}  // namespace
}  // namespace ipcspec
