// Turns: jobs that run side by side print and write one at a time.
#ifndef IPCSPEC_CLI_TURNS_H_
#define IPCSPEC_CLI_TURNS_H_

namespace ipcspec {

// While it lives, no other job has its turn: what one prints and writes is whole. Nobody waits for
// a job that died in its turn. REQUIRES: the process has no other turn, of whatever TurnTaking.
class TurnTaking {
 public:
  TurnTaking();
  ~TurnTaking();
  TurnTaking(const TurnTaking&) = delete;
  TurnTaking& operator=(const TurnTaking&) = delete;

  class Turn {
   public:
    explicit Turn(const TurnTaking& turns);
    ~Turn();
    Turn(const Turn&) = delete;
    Turn& operator=(const Turn&) = delete;

   private:
    const int fd_;
  };

 private:
  int fd_;  // of a file without a name, which is locked
};

}  // namespace ipcspec

#endif  // IPCSPEC_CLI_TURNS_H_
