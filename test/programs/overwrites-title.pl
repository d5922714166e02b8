# Overwrites its arguments and environment with a title, as daemons do, and so does a child in a session of its own.
use strict;
use warnings;
use POSIX ();

$| = 1;
my $child = fork();
if ( defined $child && $child == 0 ) {
    if ( fork() == 0 ) { POSIX::setsid(); $0 = 'x' x 3000; sleep 1000 while 1; }
    POSIX::_exit(0);
}
waitpid $child, 0;
$0 = 'y' x 3000;
print "ready\n";
sleep 1000 while 1;
