/** For a service that has not written a line although it runs. */
export const SILENCE = 'a program that buffers its output writes it late (python -u or PYTHONUNBUFFERED=1, stdbuf -oL)';
