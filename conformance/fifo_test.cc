// Clauses of FIFOs: names, and the rendezvous of opening: fifo(7), mkfifo(3), open(2).
// Errors of names: fifo_errno_test.cc.
#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>

#include <csignal>

#include "conformance/clause.h"
#include "impl/call/bytes.h"

namespace ipcspec {
namespace {

CLAUSE(Fifo, MkfifoMakesAFifo, "mkfifo(3)",
       "mkfifo makes a name of type FIFO, owned by its maker") {
  a.Must(Umask{.mask = 0});
  EXPECT_THAT(a.Do(Mkfifo{.path = "f", .mode = 0640}), Gives(0));
  EXPECT_THAT(a.Do(Stat{.path = "f"}), GivesValues({S_IFIFO | 0640, 0, 0, 1}));
}

CLAUSE(Fifo, ModeObeysUmask, "mkfifo(3)",
       "The mode of a new FIFO is the one asked for less umask") {
  a.Must(Umask{.mask = 027});
  a.Must(Mkfifo{.path = "f", .mode = 0666});
  EXPECT_THAT(a.Do(Stat{.path = "f"}), GivesValues({S_IFIFO | 0640, 0, 0, 1}));
}

CLAUSE(Fifo, MknodMakesAFifo, "mknod(2)",
       "mknod with S_IFIFO makes a FIFO, also without privilege") {
  RequiresOtherUsers();
  TaskHandle b = a.Fork();
  b.Must(SetCredentials{.uid = 1000, .gid = 1001});
  EXPECT_THAT(b.Do(Mknod{.path = "f", .mode = S_IFIFO | 0600}), Gives(0));
  EXPECT_THAT(b.Do(Stat{.path = "f"}), GivesValues({S_IFIFO | 0600, 1000, 1001, 1}));
}

CLAUSE(Fifo, MkfifoatIsRelativeToADirectory, "mkfifo(3)",
       "mkfifoat takes a relative path from the directory of its descriptor") {
  a.Must(Mkdir{.path = "d"});
  const Fd d = a.Must(Open{.path = "d", .flags = O_RDONLY | O_DIRECTORY});
  EXPECT_THAT(a.Do(Mkfifo{.path = "f", .mode = 0600, .dirfd = d}), Gives(0));
  EXPECT_THAT(a.Do(Stat{.path = "d/f"}), Gives(0));
  EXPECT_THAT(a.Do(Stat{.path = "f"}), FailsWith(ENOENT));
  EXPECT_THAT(a.Do(Open{.path = "f", .flags = O_RDWR, .dirfd = d}), Gives(d.value + 1));
}

CLAUSE(Fifo, OpenForReadingWaitsForAWriter, "fifo(7)",
       "Opening a FIFO for reading waits until it is opened for writing") {
  a.Must(Mkfifo{.path = "f"});
  TaskHandle b = a.Fork();
  const Pending open = b.Begin(Open{.path = "f", .flags = O_RDONLY});
  EXPECT_THAT(open, IsAsleep());
  const Fd w = a.Must(Open{.path = "f", .flags = O_WRONLY});
  EXPECT_THAT(open.Finish(), Gives(3));
  a.Must(Write{.fd = w, .data = "x"});
  EXPECT_THAT(b.Do(Read{.fd = 3, .count = 9}), Gives(1, "x"));
}

CLAUSE(Fifo, OpenForWritingWaitsForAReader, "fifo(7)",
       "Opening a FIFO for writing waits until it is opened for reading") {
  a.Must(Mkfifo{.path = "f"});
  TaskHandle b = a.Fork();
  const Pending open = b.Begin(Open{.path = "f", .flags = O_WRONLY});
  EXPECT_THAT(open, IsAsleep());
  EXPECT_THAT(a.Do(Open{.path = "f", .flags = O_RDONLY}), Gives(3));
  EXPECT_THAT(open.Finish(), Gives(3));
}

CLAUSE(Fifo, OneOpenFreesAllThatWait, "fifo(7)",
       "Every open that waits for the other end goes on when that end is opened") {
  a.Must(Mkfifo{.path = "f"});
  TaskHandle b = a.Fork(), c = a.Fork();
  const Pending first = b.Begin(Open{.path = "f", .flags = O_RDONLY});
  const Pending second = c.Begin(Open{.path = "f", .flags = O_RDONLY});
  a.Must(Open{.path = "f", .flags = O_WRONLY});
  EXPECT_THAT(first.Finish(), Gives(3));
  EXPECT_THAT(second.Finish(), Gives(3));
}

CLAUSE(Fifo, OpenForBothNeverWaits, "fifo(7)",
       "On Linux opening a FIFO for reading and writing succeeds at once") {
  a.Must(Mkfifo{.path = "f"});
  const Fd f = a.Must(Open{.path = "f", .flags = O_RDWR});
  a.Must(Write{.fd = f, .data = "echo"});
  EXPECT_THAT(a.Do(Read{.fd = f, .count = 9}), Gives(4, "echo"));
}

CLAUSE(Fifo, OpenForBothFreesAReader, "fifo(7)",
       "An open for reading that waits goes on when the FIFO is opened for reading and writing") {
  a.Must(Mkfifo{.path = "f"});
  TaskHandle b = a.Fork();
  const Pending open = b.Begin(Open{.path = "f", .flags = O_RDONLY});
  a.Must(Open{.path = "f", .flags = O_RDWR});
  EXPECT_THAT(open.Finish(), Gives(3));
}

CLAUSE(Fifo, OpenForBothFreesAWriter, "fifo(7)",
       "An open for writing that waits goes on when the FIFO is opened for reading and writing") {
  a.Must(Mkfifo{.path = "f"});
  TaskHandle b = a.Fork();
  const Pending open = b.Begin(Open{.path = "f", .flags = O_WRONLY});
  a.Must(Open{.path = "f", .flags = O_RDWR});
  EXPECT_THAT(open.Finish(), Gives(3));
}

CLAUSE(Fifo, NonblockingReaderNeedsNoWriter, "fifo(7)",
       "With O_NONBLOCK opening for reading succeeds without a writer; reads give end-of-file") {
  a.Must(Mkfifo{.path = "f"});
  const Fd r = a.Must(Open{.path = "f", .flags = O_RDONLY | O_NONBLOCK});
  EXPECT_THAT(a.Do(Read{.fd = r, .count = 1}), Gives(0));
  const Fd w = a.Must(Open{.path = "f", .flags = O_WRONLY});
  EXPECT_THAT(a.Do(Read{.fd = r, .count = 1}), FailsWith(EAGAIN));
  a.Must(Write{.fd = w, .data = "x"});
  EXPECT_THAT(a.Do(Read{.fd = r, .count = 1}), Gives(1, "x"));
}

CLAUSE(Fifo, NonblockingWriterNeedsAReader, "fifo(7)",
       "With O_NONBLOCK opening for writing fails with ENXIO unless the FIFO is open for reading") {
  a.Must(Mkfifo{.path = "f"});
  EXPECT_THAT(a.Do(Open{.path = "f", .flags = O_WRONLY | O_NONBLOCK}), FailsWith(ENXIO));
  a.Must(Open{.path = "f", .flags = O_RDONLY | O_NONBLOCK});
  EXPECT_THAT(a.Do(Open{.path = "f", .flags = O_WRONLY | O_NONBLOCK}), Gives(4));
}
PROVOKES(Fifo, NonblockingWriterNeedsAReader, "fifo.7", "open(fifo)", "ENXIO",
         "O_WRONLY|O_NONBLOCK with no reader");
PROVOKES(Fifo, NonblockingWriterNeedsAReader, "open.2", "open(fifo)", "ENXIO",
         "non-blocking write-only open with no reader");

CLAUSE(Fifo, NonblockingOpenFreesAWriter, "fifo(7)",
       "An open for writing that waits goes on when the FIFO is opened for reading, nonblocking") {
  a.Must(Mkfifo{.path = "f"});
  TaskHandle b = a.Fork();
  const Pending open = b.Begin(Open{.path = "f", .flags = O_WRONLY});
  a.Must(Open{.path = "f", .flags = O_RDONLY | O_NONBLOCK});
  EXPECT_THAT(open.Finish(), Gives(3));
}

CLAUSE(Fifo, LastWriterGoingIsEndOfFile, "fifo(7)",
       "Readers see end-of-file when the last writer closes, and data again from the next one") {
  a.Must(Mkfifo{.path = "f"});
  const Fd r = a.Must(Open{.path = "f", .flags = O_RDONLY | O_NONBLOCK});
  for (const char* text : {"one", "two"}) {
    const Fd w = a.Must(Open{.path = "f", .flags = O_WRONLY});
    a.Must(Write{.fd = w, .data = text});
    a.Must(Close{.fd = w});
    EXPECT_THAT(a.Do(Read{.fd = r, .count = 9}), Gives(3, text));
    EXPECT_THAT(a.Do(Read{.fd = r, .count = 9}), Gives(0));
  }
}

CLAUSE(Fifo, BlockedReaderSeesTheLastWriterGo, "fifo(7)",
       "A read that waits sees end-of-file when the last of several writers closes") {
  a.Must(Mkfifo{.path = "f"});
  const Fd r = a.Must(Open{.path = "f", .flags = O_RDONLY | O_NONBLOCK});
  const Fd w1 = a.Must(Open{.path = "f", .flags = O_WRONLY});
  const Fd w2 = a.Must(Open{.path = "f", .flags = O_WRONLY});
  a.Must(SetStatusFlags{.fd = r, .flags = 0});
  TaskHandle b = a.Fork();
  b.Must(Close{.fd = w1});
  b.Must(Close{.fd = w2});
  const Pending read = b.Begin(Read{.fd = r, .count = 1});
  a.Must(Close{.fd = w1});
  EXPECT_THAT(read, IsAsleep());
  a.Must(Close{.fd = w2});
  EXPECT_THAT(read.Finish(), Gives(0));
}

CLAUSE(Fifo, WritingWithoutReaders, "fifo(7)", "Writing a FIFO without readers gives EPIPE") {
  a.Must(Mkfifo{.path = "f"});
  a.Must(Sigaction{.signal = SIGPIPE, .disposition = Disposition::kIgnore});
  const Fd r = a.Must(Open{.path = "f", .flags = O_RDONLY | O_NONBLOCK});
  const Fd w = a.Must(Open{.path = "f", .flags = O_WRONLY});
  a.Must(Close{.fd = r});
  EXPECT_THAT(a.Do(Write{.fd = w, .data = "x"}), FailsWith(EPIPE));
}

CLAUSE(Fifo, AllOpensAreOnePipe, "fifo(7)", "All that open a FIFO share one pipe") {
  a.Must(Mkfifo{.path = "f"});
  const Fd one = a.Must(Open{.path = "f", .flags = O_RDWR});
  const Fd two = a.Must(Open{.path = "f", .flags = O_RDWR});
  a.Must(Write{.fd = one, .data = "ab"});
  a.Must(Write{.fd = two, .data = "cd"});
  EXPECT_THAT(a.Do(Read{.fd = two, .count = 3}), Gives(3, "abc"));
  EXPECT_THAT(a.Do(Read{.fd = one, .count = 3}), Gives(1, "d"));
}

CLAUSE(Fifo, DifferentNamesAreDifferentPipes, "fifo(7)", "Two FIFOs do not share data") {
  a.Must(Mkfifo{.path = "f"});
  a.Must(Mkfifo{.path = "g"});
  const Fd f = a.Must(Open{.path = "f", .flags = O_RDWR});
  const Fd g = a.Must(Open{.path = "g", .flags = O_RDWR | O_NONBLOCK});
  a.Must(Write{.fd = f, .data = "x"});
  EXPECT_THAT(a.Do(Read{.fd = g, .count = 1}), FailsWith(EAGAIN));
}

CLAUSE(Fifo, NameOutlivesItsUsers, "fifo(7)",
       "The name stays when nobody has it open; the data does not") {
  a.Must(Mkfifo{.path = "f"});
  const Fd f = a.Must(Open{.path = "f", .flags = O_RDWR});
  a.Must(Write{.fd = f, .data = "lost"});
  a.Must(Close{.fd = f});
  EXPECT_THAT(a.Do(Stat{.path = "f"}), Gives(0));
  const Fd again = a.Must(Open{.path = "f", .flags = O_RDWR | O_NONBLOCK});
  EXPECT_THAT(a.Do(Read{.fd = again, .count = 9}), FailsWith(EAGAIN));
}

CLAUSE(Fifo, NameOutlivesItsMaker, "fifo(7)",
       "A FIFO stays when the process that made it is gone") {
  TaskHandle b = a.Fork();
  b.Must(Mkfifo{.path = "f"});
  b.Begin(Exit{.status = 0});
  EXPECT_THAT(a.Do(Open{.path = "f", .flags = O_RDWR}), Gives(3));
}

CLAUSE(Fifo, UnlinkedWhileOpen, "unlink(2)",
       "An unlinked FIFO goes on working for those who have it open; the name is free") {
  a.Must(Mkfifo{.path = "f"});
  const Fd old = a.Must(Open{.path = "f", .flags = O_RDWR});
  EXPECT_THAT(a.Do(Unlink{.path = "f"}), Gives(0));
  EXPECT_THAT(a.Do(Open{.path = "f", .flags = O_RDWR}), FailsWith(ENOENT));
  a.Must(Write{.fd = old, .data = "old"});
  a.Must(Mkfifo{.path = "f"});
  const Fd fresh = a.Must(Open{.path = "f", .flags = O_RDWR | O_NONBLOCK});
  EXPECT_THAT(a.Do(Read{.fd = fresh, .count = 9}), FailsWith(EAGAIN));
  EXPECT_THAT(a.Do(Read{.fd = old, .count = 9}), Gives(3, "old"));
}

CLAUSE(Fifo, UnlinkedWhileAnOpenWaits, "unlink(2)",
       "An open that waits on a FIFO that is unlinked goes on waiting; the new name is another") {
  a.Must(Mkfifo{.path = "f"});
  TaskHandle b = a.Fork();
  const Pending open = b.Begin(Open{.path = "f", .flags = O_RDONLY});
  a.Must(Unlink{.path = "f"});
  a.Must(Mkfifo{.path = "f"});
  a.Must(Open{.path = "f", .flags = O_RDWR});
  EXPECT_THAT(open, IsAsleep());
}

CLAUSE(Fifo, RenamedWhileOpen, "rename(2)", "A FIFO that is renamed is the same FIFO") {
  a.Must(Mkfifo{.path = "f"});
  const Fd f = a.Must(Open{.path = "f", .flags = O_RDWR});
  EXPECT_THAT(a.Do(Rename{.from = "f", .to = "g"}), Gives(0));
  const Fd g = a.Must(Open{.path = "g", .flags = O_RDWR});
  a.Must(Write{.fd = f, .data = "x"});
  EXPECT_THAT(a.Do(Read{.fd = g, .count = 1}), Gives(1, "x"));
  EXPECT_THAT(a.Do(Stat{.path = "f"}), FailsWith(ENOENT));
}

CLAUSE(Fifo, PermissionsOfReading, "fifo(7)", "Opening for reading needs read permission") {
  RequiresOtherUsers();
  a.Must(Umask{.mask = 0});
  a.Must(Mkfifo{.path = "f", .mode = 0622});
  TaskHandle b = a.Fork();
  b.Must(SetCredentials{.uid = 1000, .gid = 1000});
  EXPECT_THAT(b.Do(Open{.path = "f", .flags = O_RDONLY | O_NONBLOCK}), FailsWith(EACCES));
  EXPECT_THAT(b.Do(Open{.path = "f", .flags = O_RDWR}), FailsWith(EACCES));
  a.Must(Open{.path = "f", .flags = O_RDONLY | O_NONBLOCK});
  EXPECT_THAT(b.Do(Open{.path = "f", .flags = O_WRONLY}), Gives(3));
}
PROVOKES(Fifo, PermissionsOfReading, "open.2", "open(fifo)", "EACCES",
         "mode bits deny requested access / search denied");

CLAUSE(Fifo, PermissionsByClass, "path_resolution(7)",
       "The owner is held to the owner's bits, the group to the group's, others to the others'") {
  RequiresOtherUsers();
  a.Must(Umask{.mask = 0});
  a.Must(Mkfifo{.path = "f", .mode = 0042});
  a.Must(Chown{.path = "f", .uid = 1000, .gid = 1001});
  TaskHandle owner = a.Fork(), member = a.Fork(), other = a.Fork();
  owner.Must(SetCredentials{.uid = 1000, .gid = 1001});
  member.Must(SetCredentials{.uid = 2000, .gid = 1001});
  other.Must(SetCredentials{.uid = 2000, .gid = 2000});
  EXPECT_THAT(owner.Do(Open{.path = "f", .flags = O_RDONLY | O_NONBLOCK}), FailsWith(EACCES));
  EXPECT_THAT(member.Do(Open{.path = "f", .flags = O_RDONLY | O_NONBLOCK}), Gives(3));
  EXPECT_THAT(member.Do(Open{.path = "f", .flags = O_WRONLY | O_NONBLOCK}), FailsWith(EACCES));
  EXPECT_THAT(other.Do(Open{.path = "f", .flags = O_RDONLY | O_NONBLOCK}), FailsWith(EACCES));
  EXPECT_THAT(other.Do(Open{.path = "f", .flags = O_WRONLY | O_NONBLOCK}), Gives(3));
}

CLAUSE(Fifo, PermissionsAreCheckedAtOpen, "open(2)",
       "A FIFO that is open stays open when its mode is taken away") {
  RequiresOtherUsers();
  a.Must(Umask{.mask = 0});
  a.Must(Mkfifo{.path = "f", .mode = 0666});
  TaskHandle b = a.Fork();
  b.Must(SetCredentials{.uid = 1000, .gid = 1000});
  const Fd f = b.Must(Open{.path = "f", .flags = O_RDWR});
  a.Must(Chmod{.path = "f", .mode = 0});
  EXPECT_THAT(b.Do(Write{.fd = f, .data = "x"}), Gives(1));
  EXPECT_THAT(b.Do(Open{.path = "f", .flags = O_RDWR}), FailsWith(EACCES));
}

CLAUSE(Fifo, OpenIsInterrupted, "open(2)", "A handler without SA_RESTART ends an open with EINTR") {
  a.Must(Mkfifo{.path = "f"});
  TaskHandle b = a.Fork();
  b.Must(Sigaction{.signal = SIGUSR1, .disposition = Disposition::kHandle});
  const Pending open = b.Begin(Open{.path = "f", .flags = O_RDONLY});
  a.Must(Kill{.target = b.task(), .signal = SIGUSR1});
  EXPECT_THAT(open.Finish(), FailsWith(EINTR));
  // Nothing of it is left: the FIFO has no reader.
  EXPECT_THAT(a.Do(Open{.path = "f", .flags = O_WRONLY | O_NONBLOCK}), FailsWith(ENXIO));
}
PROVOKES(Fifo, OpenIsInterrupted, "open.2", "open(fifo)", "EINTR",
         "signal handler ran while blocked waiting for the other end");

CLAUSE(Fifo, OpenIsRestarted, "signal(7)", "A handler with SA_RESTART lets an open go on waiting") {
  a.Must(Mkfifo{.path = "f"});
  TaskHandle b = a.Fork();
  b.Must(Sigaction{.signal = SIGUSR1, .disposition = Disposition::kHandleRestart});
  const Pending open = b.Begin(Open{.path = "f", .flags = O_WRONLY});
  a.Must(Kill{.target = b.task(), .signal = SIGUSR1});
  EXPECT_THAT(open, IsAsleep());
  a.Must(Open{.path = "f", .flags = O_RDONLY});
  EXPECT_THAT(open.Finish(), Gives(3));
}

CLAUSE(Fifo, KilledOpenerIsNoEnd, "fifo(7)",
       "A process killed while it waits in open is no reader") {
  a.Must(Mkfifo{.path = "f"});
  TaskHandle b = a.Fork();
  b.Begin(Open{.path = "f", .flags = O_RDONLY});
  a.Must(Kill{.target = b.task(), .signal = SIGKILL});
  EXPECT_THAT(a.Do(Open{.path = "f", .flags = O_WRONLY | O_NONBLOCK}), FailsWith(ENXIO));
}

CLAUSE(Fifo, PollForAWriter, "poll(2)",
       "A FIFO read end shows POLLHUP once its last writer is gone") {
  a.Must(Mkfifo{.path = "f"});
  const Fd r = a.Must(Open{.path = "f", .flags = O_RDONLY | O_NONBLOCK});
  const Fd w = a.Must(Open{.path = "f", .flags = O_WRONLY});
  EXPECT_THAT(a.Do(Poll{.fds = {{r, POLLIN}}, .timeout = 0}), GivesValues({0}));
  a.Must(Close{.fd = w});
  EXPECT_THAT(a.Do(Poll{.fds = {{r, POLLIN}}, .timeout = 0}), GivesValues({POLLHUP}));
  a.Must(Open{.path = "f", .flags = O_WRONLY});
  EXPECT_THAT(a.Do(Poll{.fds = {{r, POLLIN}}, .timeout = 0}), GivesValues({0}));
}

CLAUSE(Fifo, CapacityOfAFifo, "fcntl(2)", "A FIFO has a pipe's capacity, and it can be set") {
  a.Must(Mkfifo{.path = "f"});
  const Fd f = a.Must(Open{.path = "f", .flags = O_RDWR | O_NONBLOCK});
  EXPECT_THAT(a.Do(GetPipeSize{.fd = f}), Gives(65536));
  EXPECT_THAT(a.Do(SetPipeSize{.fd = f, .size = 4096}), Gives(4096));
  EXPECT_THAT(a.Do(Write{.fd = f, .data = Pattern('A', 0, 5000)}), Gives(4096));
}

CLAUSE(Fifo, CannotSeek, "lseek(2)", "A FIFO has no file offset: lseek fails with ESPIPE") {
  a.Must(Mkfifo{.path = "f"});
  const Fd f = a.Must(Open{.path = "f", .flags = O_RDWR});
  EXPECT_THAT(a.Do(Lseek{.fd = f, .offset = 0}), FailsWith(ESPIPE));
}

CLAUSE(Fifo, FstatIsTheNames, "stat(2)", "fstat of an open FIFO tells of its name") {
  a.Must(Umask{.mask = 0});
  a.Must(Mkfifo{.path = "f", .mode = 0640});
  const Fd f = a.Must(Open{.path = "f", .flags = O_RDWR});
  EXPECT_THAT(a.Do(Fstat{.fd = f}), GivesValues({S_IFIFO | 0640, 0, 0, 1}));
  a.Must(Unlink{.path = "f"});
  EXPECT_THAT(a.Do(Fstat{.fd = f}), GivesValues({S_IFIFO | 0640, 0, 0, 0}));
}

CLAUSE(Fifo, CloseOnExec, "open(2)", "A FIFO opened with O_CLOEXEC is closed on exec") {
  a.Must(Mkfifo{.path = "f"});
  const Fd f = a.Must(Open{.path = "f", .flags = O_RDWR | O_CLOEXEC});
  TaskHandle b = a.Fork();
  a.Must(Exec{});
  EXPECT_THAT(a.Do(Close{.fd = f}), FailsWith(EBADF));
  EXPECT_THAT(b.Do(Close{.fd = f}), Gives(0));
}

}  // namespace
}  // namespace ipcspec
