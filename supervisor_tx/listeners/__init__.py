"""What programs that listen to events are made of; :mod:`supervisor_tx.childutils` has it all."""
