/** The keys of its SSH, as OpenSSH writes them. */
import ssh2 from 'ssh2'

/** Of two hundred pairs that `ssh2` makes it cannot read one itself: such a pair is not given out. */
export function sshKeys(): { private: string; public: string } {
  for (;;) {
    const keys = ssh2.utils.generateKeyPairSync('ed25519')
    if (!(ssh2.utils.parseKey(keys.private) instanceof Error)) return keys
  }
}
