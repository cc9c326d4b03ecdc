#!/bin/sh
# A stand-in for a real component. It says its version, refuses what it does not know in pflag's words, notes its arguments and
# keeps a copy of each file it was given, and then becomes skidpad's own component.
# The test fills in: NAME, VERSION (the line to print), FLAGS (those it knows), REAL (the program it becomes), RECORD (a directory).
name='@NAME@'
flags=' @FLAGS@ '
record='@RECORD@'
for word in "$@"; do
  case "$word" in
    --version) echo '@VERSION@'; exit 0 ;;
    --help) for flag in $flags; do echo "      --$flag string   a flag of $name"; done; exit 0 ;;
  esac
done
for word in "$@"; do
  flag="${word#--}"
  flag="${flag%%=*}"
  case "$flags" in
    *" $flag "*) ;;
    *)
      echo "Error: unknown flag: --$flag" >&2
      echo "--$flag" >> "$record/$name.refused"
      exit 1
      ;;
  esac
done
case " $* " in
  *" --morph=proxy "*)
    # A hollow proxy serves nothing and says nothing.
    echo "$*" >> "$record/$name.proxies"
    exec sleep infinity
    ;;
esac
[ -e "$record/$name.arguments" ] || for word in "$@"; do
  echo "$word" >> "$record/$name.arguments"
  value="${word#*=}"
  case "$word" in
    --data-dir=* | --root-dir=* | --cert-dir=* | --kubeconfig=*/kubelet.conf) ;;
    --*=/*)
      flag="${word%%=*}"
      cp "$value" "$record/$name.${flag#--}" 2>/dev/null || echo "$word" >> "$record/$name.missing"
      ;;
  esac
done
if [ "$name" = kubemark ]; then
  for word in "$@"; do
    case "$word" in
      --name=*) node="${word#*=}" ;;
      --kubeconfig=*) kubeconfig="$word" ;;
      --kubelet-port=*) port="${word#*=}" ;;
      --register-with-taints=*) taints="$word" ;;
      --node-labels=*) labels="$word" ;;
      --node-lease-duration-seconds=*) lease="${word#*=}" ;;
    esac
  done
  echo "{\"apiVersion\": \"kubelet.config.k8s.io/v1beta1\", \"kind\": \"KubeletConfiguration\", \"nodeLeaseDurationSeconds\": $lease}" > "/tmp/$node.json"
  exec '@REAL@' "$kubeconfig" "$taints" "$labels" "--config=/tmp/$node.json" "--hostname-override=$node" "--port=$port" "--healthz-port=0" \
    "--root-dir=/tmp/$node" "--node-status-update-frequency=500ms"
fi
exec '@REAL@' "$@"
